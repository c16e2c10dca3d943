// Opens a cash-register shift and prints the result.
//
//     LIFEPAY_APIKEY=... OpenShift.exe --login 79031234567 --ext-id 00106304012797-2026-11-24-1
//
// OpenTheShift and Report are the part that a till needs; the rest reads the command line. Ctrl-C
// stops the call.
//
// Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
using System;
using System.Text;
using System.Threading;
using LifePay;

internal static class OpenShift
{
    const int Accepted = 0, Rejected = 1, WrongArguments = 2, NotSent = 3, Unknown = 4;

    static int OpenTheShift(LifePayRequest request)
    {
        using (var stop = new CancellationTokenSource())
        {
            Console.CancelKeyPress += (sender, e) =>
            {
                e.Cancel = true;
                stop.Cancel();
            };
            try
            {
                LifePayResult result = LifePayClient.OpenShift(request, new Countdown(), stop.Token);
                Console.WriteLine("uuid: " + (result.Uuid ?? "(none: test mode)"));
                Console.WriteLine("ext_id: " + result.ExtId);
                Console.WriteLine("message: " + result.Message);
                Console.WriteLine("Accepted is not yet open: the report that the cash register prints, or LifePay's");
                Console.WriteLine("personal account, shows whether the shift has opened.");
                return Accepted;
            }
            catch (LifePayException error)
            {
                return Report(error.Result);
            }
            catch (LifePayCanceledException stopped)
            {
                return Report(stopped.Result);
            }
        }
    }

    static int Report(LifePayResult result)
    {
        Console.Error.WriteLine("not accepted: " + result.CodeName + " (" + result.Code + ")");
        Console.Error.WriteLine("message: " + result.Message);
        foreach (FieldError error in result.Errors)
            Console.Error.WriteLine("field: " + error);
        Console.Error.WriteLine("outcome: " + InWords(result.Outcome));
        if (result.HttpStatus != 0)
            Console.Error.WriteLine("http_status: " + result.HttpStatus);
        if (result.Detail != null)
            Console.Error.WriteLine("detail: " + result.Detail);
        if (result.RetryAfter > TimeSpan.Zero)
            Console.Error.WriteLine("retry: in " + result.RetryAfter + ", with the same ext_id");
        if (result.ExtId != null)
            Console.Error.WriteLine("ext_id: " + result.ExtId);
        if (result.Code == LifePayCode.Argument)
            return WrongArguments;
        switch (result.Outcome)
        {
            case LifePayOutcome.Answered:
                return Rejected;
            case LifePayOutcome.NotSent:
                return NotSent;
            default:
                // Also for values that a later library may add: "unknown" is the safe assumption.
                return Unknown;
        }
    }

    static string InWords(LifePayOutcome outcome)
    {
        switch (outcome)
        {
            case LifePayOutcome.Answered:
                return "LifePay has answered";
            case LifePayOutcome.NotSent:
                return "nothing was sent, LifePay does not have the request";
            default:
                return "unknown, LifePay may have the request: a report may still be printed";
        }
    }

    /// Prints why an attempt failed, and counts down to the next one.
    sealed class Countdown : IProgress<LifePayProgress>
    {
        public void Report(LifePayProgress progress)
        {
            if (progress.Phase == LifePayPhase.Failed)
                Console.Error.WriteLine(LifePayClient.CodeText(progress.Code));
            else if (progress.Phase == LifePayPhase.Pause)
                Console.Error.Write("\rnext attempt in " + (int)progress.NextAttempt.TotalSeconds + " s ");
        }
    }

    static void PrintHelp()
    {
        Console.WriteLine("Opens a cash-register shift through LifePay.");
        Console.WriteLine();
        Console.WriteLine("Usage: OpenShift --login LOGIN [OPTIONS]");
        Console.WriteLine();
        Console.WriteLine("  --login LOGIN            of the company's or the shop's administrator");
        Console.WriteLine("  --test                   test mode: nothing is fiscalised, and there is no uuid");
        Console.WriteLine("  --cashier-name NAME");
        Console.WriteLine("  --cashier-inn INN");
        Console.WriteLine("  --target-serial SERIAL   number of the fiscal printer");
        Console.WriteLine("  --ext-id ID              your own, at most 50 characters; default: a new UUID");
        Console.WriteLine("  --callback-url URL");
        Console.WriteLine("  --callback-data STRING");
        Console.WriteLine("  --callback-data-json JSON");
        Console.WriteLine("  --base-url URL           default: https://sapi.life-pay.ru");
        Console.WriteLine("  --proxy URL              http://USER:PASSWORD@HOST:PORT, or none");
        Console.WriteLine("  --ca-file FILE           in PEM, with more root certificates");
        Console.WriteLine("  --connect-timeout-ms N   default: 10000");
        Console.WriteLine("  --timeout-ms N           for one attempt; default: 30000");
        Console.WriteLine("  --retry-for-ms N         how long to retry; default: one attempt");
        Console.WriteLine("  --help");
        Console.WriteLine();
        Console.WriteLine("The apikey is taken from the environment variable LIFEPAY_APIKEY.");
    }

    static TimeSpan Span(string option, string value)
    {
        uint milliseconds;
        if (!uint.TryParse(value, out milliseconds))
            throw new ArgumentException(option + " cannot be " + value);
        return TimeSpan.FromMilliseconds(milliseconds);
    }

    static void SetOption(LifePayRequest request, string option, string value)
    {
        switch (option)
        {
            case "--login": request.Login = value; break;
            case "--cashier-name": request.CashierName = value; break;
            case "--cashier-inn": request.CashierInn = value; break;
            case "--target-serial": request.TargetSerial = value; break;
            case "--ext-id": request.ExtId = value; break;
            case "--callback-url": request.CallbackUrl = value; break;
            case "--callback-data": request.CallbackData = value; break;
            case "--callback-data-json": request.CallbackDataJson = value; break;
            case "--base-url": request.BaseUrl = value; break;
            case "--proxy": request.Proxy = value; break;
            case "--ca-file": request.CaFile = value; break;
            case "--connect-timeout-ms": request.ConnectTimeout = Span(option, value); break;
            case "--timeout-ms": request.Timeout = Span(option, value); break;
            case "--retry-for-ms": request.RetryFor = Span(option, value); break;
            default: throw new ArgumentException("unknown argument " + option + "; try --help");
        }
    }

    static LifePayRequest Read(string[] arguments)
    {
        var request = new LifePayRequest { ApiKey = Environment.GetEnvironmentVariable("LIFEPAY_APIKEY") };
        for (int place = 0; place < arguments.Length; place++)
        {
            if (arguments[place] == "--test")
            {
                request.Test = true;
                continue;
            }
            if (place + 1 == arguments.Length)
                throw new ArgumentException(arguments[place] + " needs a value; try --help");
            SetOption(request, arguments[place], arguments[++place]);
        }
        return request;
    }

    static int Main(string[] arguments)
    {
        // Otherwise the Windows console shows question marks.
        Console.OutputEncoding = new UTF8Encoding(false);
        if (arguments.Length == 1 && arguments[0] == "--help")
        {
            PrintHelp();
            return Accepted;
        }
        try
        {
            return OpenTheShift(Read(arguments));
        }
        catch (ArgumentException error)
        {
            Console.Error.WriteLine("OpenShift: " + error.Message);
            return WrongArguments;
        }
        catch (DllNotFoundException error)
        {
            Console.Error.WriteLine("OpenShift: " + error.Message);
            return NotSent;
        }
    }
}

// A till that loses no shift: the request is on disk before it is sent, and is retried until
// LifePay answers, even after a crash or a power cut.
//
//     LIFEPAY_APIKEY=... OutboxTill.exe shifts.db 79031234567 00106304012797-2026-11-24-1
//
// Kill it at any moment and start it again with the same arguments: it sends the pending request,
// and LifePay makes one document. A till with a user interface awaits SubmitAsync and WaitAsync.
//
// Optional arguments: the base_url (http://127.0.0.1:8080 is the sandbox), and how many seconds to
// wait; default 60.
//
// Exit status: 0 accepted, 1 rejected by LifePay, cancelled or expired, 2 wrong arguments, 3 the
// outbox cannot be used, 4 no outcome yet.
using System;
using System.Text;
using LifePay;

internal static class OutboxTill
{
    const int Accepted = 0, Rejected = 1, WrongArguments = 2, CannotBeUsed = 3, NoOutcome = 4;

    static string State(OutboxEntry entry)
    {
        if (entry.IsForeign)
            return "of another base_url";
        if (entry.IsPending)
            return "waits, next attempt " + entry.NextAttemptAt;
        return LifePayClient.CodeName(entry.Code);
    }

    static void Show(Outbox outbox)
    {
        foreach (OutboxEntry entry in outbox.Entries())
        {
            Console.WriteLine(
                "entry: {0} of {1}, {2} attempts, {3}",
                entry.ExtId, entry.SubmittedAt.LocalDateTime, entry.Attempts, State(entry));
        }
        Console.WriteLine("pending: " + outbox.Pending);
    }

    static int Report(LifePayResult result)
    {
        Console.WriteLine("ext_id: " + result.ExtId);
        Console.WriteLine("code: " + result.CodeName + " (" + result.Code + ")");
        Console.WriteLine("message: " + result.Message);
        if (result.IsPending)
            return NoOutcome;
        if (!result.IsAccepted)
            return Rejected;
        Console.WriteLine("uuid: " + (result.Uuid ?? "(none: test mode)"));
        return Accepted;
    }

    static int Run(string[] arguments)
    {
        var settings = new LifePayRequest
        {
            // Not an argument: other users of this machine see command lines.
            ApiKey = Environment.GetEnvironmentVariable("LIFEPAY_APIKEY"),
            Login = arguments[1],
            BaseUrl = arguments.Length > 3 ? arguments[3] : null,
        };
        int seconds = arguments.Length > 4 ? int.Parse(arguments[4]) : 60;
        using (var outbox = new Outbox(arguments[0], settings))
        {
            Show(outbox);
            // An ext_id that is pending or accepted is not submitted a second time.
            LifePayResult result = outbox.Submit(new LifePayRequest { ExtId = arguments[2] });
            if (result.IsPending)
                result = outbox.Wait(result.ExtId, TimeSpan.FromSeconds(seconds));
            int status = Report(result);
            Show(outbox);
            return status;
        }
    }

    static int Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        if (arguments.Length < 3 || arguments.Length > 5)
        {
            Console.Error.WriteLine("OutboxTill FILE LOGIN EXT_ID [BASE_URL [SECONDS]]");
            return WrongArguments;
        }
        try
        {
            return Run(arguments);
        }
        catch (LifePayException error)
        {
            Console.Error.WriteLine("OutboxTill: " + error.CodeName + ": " + error.Message);
            return CannotBeUsed;
        }
    }
}

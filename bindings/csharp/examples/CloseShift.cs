// Closes a shift: sends a Z report.
//
//     LIFEPAY_APIKEY=... CloseShift.exe LOGIN [CASHIER [SERIAL [BASE_URL]]]
//
// The request has no ext_id, because it is not published whether LifePay recognises a repeated one
// here. So the library does not retry. After status 4, check in LifePay's personal account whether
// the report was made.
//
// Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
using System;
using System.Text;
using LifePay;

internal static class CloseShift
{
    const int Accepted = 0, Rejected = 1, WrongArguments = 2, NotSent = 3, Unknown = 4;

    static int Close(LifePayRequest request)
    {
        try
        {
            LifePayResult result = LifePayClient.Send(request);
            Console.WriteLine("uuid: " + (result.Uuid ?? "(none: test mode)"));
            Console.WriteLine("Accepted is not yet closed: the report that the cash register prints shows that.");
            return Accepted;
        }
        catch (LifePayException error)
        {
            Console.Error.WriteLine(error.CodeName + " (" + error.Code + "): " + error.Message);
            if (error.Code == LifePayCode.Argument)
                return WrongArguments;
            if (error.Outcome == LifePayOutcome.Answered)
                return Rejected;
            if (error.Outcome == LifePayOutcome.NotSent)
            {
                Console.Error.WriteLine("Nothing was sent.");
                return NotSent;
            }
            Console.Error.WriteLine("LifePay may have it. Look at its personal account first.");
            return Unknown;
        }
    }

    static int Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        if (arguments.Length < 1 || arguments.Length > 4)
        {
            Console.Error.WriteLine("CloseShift LOGIN [CASHIER [SERIAL [BASE_URL]]]");
            return WrongArguments;
        }
        return Close(new LifePayRequest
        {
            // Not an argument: other users of this machine see command lines.
            ApiKey = Environment.GetEnvironmentVariable("LIFEPAY_APIKEY"),
            Login = arguments[0],
            CashierName = arguments.Length > 1 ? arguments[1] : null,
            TargetSerial = arguments.Length > 2 ? arguments[2] : null,
            BaseUrl = arguments.Length > 3 ? arguments[3] : null,
            Path = "/cloud-print/create-z-report",
        });
    }
}

// Ends while the library's threads call a handler of the log, an outbox sends, and calls are under way:
// EndsInTheMiddle.exe URL OUTBOX.
using System;
using System.Threading;
using LifePay;

internal static class EndsInTheMiddle
{
    static int Main(string[] arguments)
    {
        LifePayLog.Level = LifePayLogLevel.Trace;
        LifePayLog.Written += (sender, line) => { GC.KeepAlive(new byte[line.Message.Length]); };
        var settings = new LifePayRequest { ApiKey = "key", Login = "79031234567", BaseUrl = arguments[0] };
        var outbox = new Outbox(arguments[1], settings);
        for (int number = 0; number < 40; number++)
            outbox.SubmitAsync(new LifePayRequest { ExtId = "shift-" + number });
        var unreachable = new LifePayRequest
        {
            ApiKey = "key",
            Login = "79031234567",
            BaseUrl = "http://127.0.0.1:1",
            RetryFor = Timeout.InfiniteTimeSpan,
            RetryDelays = new[] { TimeSpan.FromMilliseconds(100) },
        };
        for (int number = 0; number < 4; number++)
            LifePayClient.OpenShiftAsync(unreachable, new Progress<LifePayProgress>(told => { }));
        outbox.WaitAsync("shift-39");
        Thread.Sleep(50 + new Random().Next(150));
        return 17;
    }
}

// Ends with status 17 during an operation: EndsInTheMiddle.exe URL SILENT OUTBOX WHAT. The server
// at URL accepts everything, the one at SILENT never answers.
using System;
using System.Threading;
using LifePay;

internal static class EndsInTheMiddle
{
    static string url;

    static LifePayRequest Request(string baseUrl)
    {
        return new LifePayRequest
        {
            ApiKey = "key",
            Login = "79031234567",
            BaseUrl = baseUrl,
            RetryFor = Timeout.InfiniteTimeSpan,
            RetryDelays = new[] { TimeSpan.FromHours(1) },
        };
    }

    static void InBackground(Action action)
    {
        new Thread(() => action()) { IsBackground = true }.Start();
        Thread.Sleep(200);
    }

    // Makes the library's threads call a log handler while an outbox sends and calls are under way.
    static void Everything(string silent, string file)
    {
        LifePayLog.Level = LifePayLogLevel.Trace;
        LifePayLog.Written += (sender, line) => { GC.KeepAlive(new byte[line.Message.Length]); };
        var outbox = new Outbox(file, Request(url));
        for (int number = 0; number < 40; number++)
            outbox.SubmitAsync(new LifePayRequest { ExtId = "shift-" + number });
        for (int number = 0; number < 4; number++)
            LifePayClient.OpenShiftAsync(Request(silent), new Progress<LifePayProgress>(report => { }));
        outbox.WaitAsync("shift-39");
        Thread.Sleep(50 + new Random().Next(150));
    }

    static int Main(string[] arguments)
    {
        url = arguments[0];
        string silent = arguments[1], file = arguments[2], what = arguments[3];
        switch (what)
        {
            case "everything":
                Everything(silent, file);
                return 17;
            case "answer":
                InBackground(() => LifePayClient.OpenShift(Request(silent)));
                return 17;
            case "pause":
                LifePayClient.OpenShiftAsync(Request("http://127.0.0.1:1"));
                Thread.Sleep(200);
                Environment.Exit(17);
                break;
            case "progress":
                LifePayClient.OpenShift(Request(silent), new Ends());
                break;
            case "report":
                var reports = new Reports();
                AppDomain.CurrentDomain.ProcessExit += reports.End;
                InBackground(() => LifePayClient.OpenShift(Request(silent), reports));
                return 17;
            case "handler":
                LifePayLog.Written += (sender, line) => Environment.Exit(17);
                LifePayClient.OpenShift(Request(url));
                break;
            case "stuck handler":
                LifePayLog.Written += (sender, line) => Thread.Sleep(Timeout.Infinite);
                InBackground(() => LifePayClient.OpenShift(Request(url)));
                return 17;
        }
        return 1;
    }

    sealed class Ends : IProgress<LifePayProgress>
    {
        public void Report(LifePayProgress progress)
        {
            Environment.Exit(17);
        }
    }

    // Writes to stderr if a call reports progress while the program ends: Mono may wait for what
    // the report posts to the thread pool.
    sealed class Reports : IProgress<LifePayProgress>
    {
        volatile int count;
        volatile bool hasEnded;

        public void Report(LifePayProgress progress)
        {
            if (hasEnded)
                Console.Error.WriteLine("reported at the end");
            count++;
        }

        // Returns right after a report, because the next one is due in a fifth of a second.
        public void End(object sender, EventArgs e)
        {
            int before = count;
            while (count == before)
                Thread.Sleep(1);
            hasEnded = true;
        }
    }
}

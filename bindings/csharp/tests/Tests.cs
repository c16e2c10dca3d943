// The assembly's tests: Tests.exe URL FOLDER, where URL is that of a lifepay-sandbox and FOLDER is
// empty. Each method without parameters and result is a test. tests/bindings/csharp.rs runs them on
// Mono and on .NET.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using LifePay;

internal static class Tests
{
    const string ApiKey = "s3cr3t-apikey";
    const string Login = "79031234567";
    // The sandbox's magic values.
    const string LoginUnknown = "70000006009", Rejecting = "70000006080", WrongData = "70000000400";
    const string Redirects = "00000000000302", TooSlow = "00000000000408";
    const string Nobody = "http://127.0.0.1:1";

    static string url, folder;

    static LifePayRequest Request(string extId)
    {
        return new LifePayRequest { ApiKey = ApiKey, Login = Login, ExtId = extId, BaseUrl = url, Proxy = "none" };
    }

    static LifePayRequest Unreachable()
    {
        LifePayRequest request = Request(null);
        request.BaseUrl = Nobody;
        request.RetryFor = TimeSpan.FromMinutes(1);
        request.RetryDelays = new[] { TimeSpan.FromMilliseconds(200) };
        return request;
    }

    // ------------------------------------------------------------------------------------- requests

    static void EveryFieldArrives()
    {
        LifePayRequest request = Request("every-field");
        request.CashierName = "Иванова И. И. 🛒";
        request.CashierInn = "500100732259";
        request.TargetSerial = "00106304012797";
        request.CallbackUrl = "https://example.com/hook";
        request.CallbackDataJson = "{\"till\":1}";
        request.ConnectTimeout = TimeSpan.FromSeconds(5);
        request.Timeout = TimeSpan.FromSeconds(10);
        LifePayResult result = LifePayClient.OpenShift(request);
        Equal(LifePayCode.Ok, result.Code);
        True(result.IsAccepted);
        Equal(36, result.Uuid.Length);
        Equal("every-field", result.ExtId);
        Equal(LifePayOutcome.Answered, result.Outcome);
        Equal(200, result.HttpStatus);
        Equal(1, result.Attempts);
        Equal("LP_OK", result.CodeName);
        True(result.Reply.Contains(result.Uuid));
        Equal(0, result.Errors.Count);
    }

    static void TestModeHasNoUuid()
    {
        LifePayRequest request = Request("test-mode");
        request.Test = true;
        Equal(null, LifePayClient.OpenShift(request).Uuid);
    }

    static void AnExtIdIsGeneratedAndReturned()
    {
        Equal(36, LifePayClient.OpenShift(Request(null)).ExtId.Length);
        NotEqual(LifePayClient.NewExtId(), LifePayClient.NewExtId());
    }

    static void AnotherDocumentIsSent()
    {
        LifePayRequest request = Request(null);
        request.Path = "/cloud-print/create-z-report";
        request.DocumentJson = "{\"own\":{\"field\":1.10}}";
        LifePayResult result = LifePayClient.Send(request);
        NotEqual(null, result.Uuid);
        Equal(null, result.ExtId);
        Equal(LifePayCode.Ok, Wait(LifePayClient.SendAsync(request)).Code);
    }

    static void ARejectionHasAllDetails()
    {
        LifePayRequest request = Request(null);
        request.Login = LoginUnknown;
        var error = Throws<LifePayException>(() => LifePayClient.OpenShift(request));
        Equal(LifePayCode.LoginUnknown, error.Code);
        Equal("LP_LOGIN_UNKNOWN", error.CodeName);
        Equal(LifePayOutcome.Answered, error.Outcome);
        Equal(error.Result.Message, error.Message);
        Equal(TimeSpan.Zero, error.RetryAfter);

        request.Login = WrongData;
        error = Throws<LifePayException>(() => LifePayClient.OpenShift(request));
        Equal(LifePayCode.DataError, error.Code);
        True(error.Errors.Count > 0 && error.Errors[0].Field.Length > 0 && error.Errors[0].Message.Length > 0);
    }

    static void TheOutcomeSaysWhetherLifePayMayHaveIt()
    {
        LifePayRequest request = Request(null);
        request.BaseUrl = Nobody;
        var error = Throws<LifePayException>(() => LifePayClient.OpenShift(request));
        Equal(LifePayCode.Network, error.Code);
        Equal(LifePayOutcome.NotSent, error.Outcome);
        Equal(TimeSpan.FromMinutes(1), error.RetryAfter);

        request = Request("lost");
        request.TargetSerial = TooSlow;
        request.Timeout = TimeSpan.FromMilliseconds(300);
        error = Throws<LifePayException>(() => LifePayClient.OpenShift(request));
        Equal(LifePayOutcome.Unknown, error.Outcome);
        Equal("lost", error.ExtId);
    }

    static void WrongArgumentsAreNamedAllAtOnce()
    {
        var request = new LifePayRequest
        {
            ApiKey = "a\0b",
            Login = "\ud83d",
            Timeout = TimeSpan.FromSeconds(-3),
            RetryDelays = new[] { TimeSpan.FromDays(60) },
            Concurrency = -1,
        };
        var error = Throws<LifePayException>(() => LifePayClient.OpenShift(request));
        Equal(LifePayCode.Argument, error.Code);
        Equal(LifePayOutcome.NotSent, error.Outcome);
        string[] fields = { "apikey", "login", "timeout_ms", "concurrency", "retry_delays_ms" };
        Equal(string.Join(" ", fields), string.Join(" ", error.Errors.Select(field => field.Field)));
        foreach (string field in fields)
            True(error.Message.Contains(field + " — "));

        error = Throws<LifePayException>(() => LifePayClient.OpenShift(new LifePayRequest()));
        Equal("apikey login", string.Join(" ", error.Errors.Select(field => field.Field)));
        Throws<ArgumentNullException>(() => LifePayClient.OpenShift(null));
        Throws<ArgumentNullException>(() => LifePayClient.SendAsync(null));
    }

    static void TimesAreMilliseconds()
    {
        LifePayRequest request = Request(null);
        request.TargetSerial = TooSlow;
        request.Timeout = TimeSpan.FromMilliseconds(299.5);
        DateTime began = DateTime.UtcNow;
        var error = Throws<LifePayException>(() => LifePayClient.OpenShift(request));
        Equal(LifePayCode.Timeout, error.Code);
        double took = (DateTime.UtcNow - began).TotalMilliseconds;
        True(took >= 299 && took < 5000);
    }

    // ------------------------------------------------------------------------- progress and cancellation

    static void ProgressIsReportedWhileTheCollectorRuns()
    {
        var seen = new List<LifePayProgress>();
        LifePayRequest request = Unreachable();
        request.RetryFor = TimeSpan.FromMilliseconds(1500);
        request.RetryDelays = new[] { TimeSpan.FromMilliseconds(600) };
        var progress = new ProgressHandler(report =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            seen.Add(report);
        });
        var error = Throws<LifePayException>(() => LifePayClient.OpenShift(request, progress));
        Equal(LifePayCode.Network, error.Code);
        True(seen.Count(report => report.Phase == LifePayPhase.Failed) >= 2);
        True(seen.Any(report => report.Phase == LifePayPhase.Pause && report.NextAttempt > TimeSpan.Zero));
        True(seen.Last().Attempts >= 2 && seen.Last().Code == LifePayCode.Network);
        True(seen.Last().Elapsed > TimeSpan.FromMilliseconds(200));
    }

    static void AProgressThatThrowsStopsTheCall()
    {
        var mine = new InvalidOperationException("mine");
        var error = Throws<LifePayException>(
            () => LifePayClient.OpenShift(Unreachable(), new ProgressHandler(report => { throw mine; })));
        Equal(mine, error.InnerException);
        Equal(LifePayCode.Cancelled, error.Code);
        Equal(LifePayOutcome.NotSent, error.Outcome);
    }

    static void AProgressThatThrowsForTheTokenCancels()
    {
        using (var stop = new CancellationTokenSource(300))
        {
            var progress = new ProgressHandler(report => stop.Token.ThrowIfCancellationRequested());
            Task<LifePayResult> task = LifePayClient.OpenShiftAsync(Unreachable(), progress, stop.Token);
            Throws<LifePayCanceledException>(() => Wait(task));
            Equal(TaskStatus.Canceled, task.Status);
        }
    }

    static void AnExceptionShowsTheOutcomeInAllItsTexts()
    {
        LifePayRequest request = Request("told");
        request.BaseUrl = Nobody;
        var error = Throws<LifePayException>(() => LifePayClient.OpenShift(request));
        foreach (string part in new[] { error.Message, "LP_ERR_NETWORK (-3)", "Outcome: NotSent", "ExtId: told" })
            True(error.ToString().Contains(part));
        var formatter = new System.Runtime.Serialization.Formatters.Binary.BinaryFormatter();
        using (var stream = new MemoryStream())
        {
            formatter.Serialize(stream, error);
            stream.Position = 0;
            var copy = (LifePayException)formatter.Deserialize(stream);
            Equal(error.ToString(), copy.ToString());
            Equal(error.Result.Detail, copy.Result.Detail);
        }
    }

    static void ATokenStopsACall()
    {
        using (var stop = new CancellationTokenSource(300))
        {
            var stopped = Throws<LifePayCanceledException>(
                () => LifePayClient.OpenShift(Unreachable(), null, stop.Token));
            Equal(LifePayOutcome.NotSent, stopped.Outcome);
            Equal(stop.Token, stopped.CancellationToken);
        }
        using (var stop = new CancellationTokenSource(500))
        {
            LifePayRequest request = Request("stopped");
            request.TargetSerial = TooSlow;
            Task<LifePayResult> task = LifePayClient.OpenShiftAsync(request, null, stop.Token);
            var stopped = Throws<LifePayCanceledException>(() => Wait(task));
            Equal(LifePayOutcome.Unknown, stopped.Outcome);
            Equal("stopped", stopped.ExtId);
            Equal(TaskStatus.Canceled, task.Status);
        }
        using (var stop = new CancellationTokenSource())
        {
            stop.Cancel();
            var never = Throws<LifePayCanceledException>(
                () => Wait(LifePayClient.OpenShiftAsync(Request("never-sent"), null, stop.Token)));
            Equal(LifePayOutcome.NotSent, never.Outcome);
            Equal("never-sent", never.ExtId);
        }
    }

    static void AnAsyncCallCopiesTheRequest()
    {
        LifePayRequest request = Request("as-it-is");
        Task<LifePayResult> task = LifePayClient.OpenShiftAsync(request);
        request.ExtId = "another";
        request.Login = null;
        Equal("as-it-is", Wait(task).ExtId);
        request = Request(null);
        request.Login = LoginUnknown;
        Task<LifePayResult> refused = LifePayClient.OpenShiftAsync(request);
        Equal(LifePayCode.LoginUnknown, Throws<LifePayException>(() => Wait(refused)).Code);
        Equal(TaskStatus.Faulted, refused.Status);
    }

    static void ManyThreadsCallWhileTheCollectorRuns()
    {
        using (var over = new ManualResetEventSlim())
        {
            var collector = new Thread(() =>
            {
                while (!over.Wait(1))
                    GC.Collect();
            });
            collector.Start();
            var tasks = Enumerable.Range(0, 100).Select(async number =>
            {
                LifePayResult result = await LifePayClient.OpenShiftAsync(Request("thread-" + number));
                return result.ExtId == "thread-" + number && result.Uuid.Length == 36;
            });
            True(Wait(Task.WhenAll(tasks)).All(mine => mine));
            over.Set();
            collector.Join();
        }
    }

    // --------------------------------------------------------------------------------------- the outbox

    static Outbox Open(string name)
    {
        LifePayRequest settings = Request(null);
        settings.RetryDelays = new[] { TimeSpan.FromHours(1) };
        return new Outbox(Path.Combine(folder, name), settings);
    }

    static void AnOutboxSendsAndReports()
    {
        using (Outbox outbox = Open("очередь.db"))
        {
            LifePayResult submitted = Wait(outbox.SubmitAsync(new LifePayRequest { ExtId = "queued" }));
            True(submitted.IsPending || submitted.IsAccepted);
            LifePayResult result = Wait(outbox.WaitAsync("queued"));
            True(result.EnsureAccepted().Uuid.Length == 36);
            Equal(result.Uuid, outbox.Submit(new LifePayRequest { ExtId = "queued" }).Uuid);

            OutboxEntry entry = outbox.Entries().Single();
            Equal("queued", entry.ExtId);
            Equal(Login, entry.Login);
            Equal(url, entry.BaseUrl);
            Equal(result.Uuid, entry.Uuid);
            Equal("/cloud-print/create-session", entry.Path);
            Equal(LifePayOutcome.Answered, entry.Outcome);
            True(!entry.IsPending && !entry.IsSending && !entry.IsForeign);
            Equal(null, entry.NextAttemptAt);
            True(DateTimeOffset.UtcNow - entry.SubmittedAt < TimeSpan.FromMinutes(1));
            True(entry.AnsweredAt >= entry.SubmittedAt);
            Equal(TimeSpan.FromHours(12), entry.ExpiresAt - entry.SubmittedAt);
            Equal(0, outbox.Pending);
            outbox.Forget("queued");
            Equal(0, outbox.Entries().Count);
        }
    }

    static void ARefusalInAnOutboxIsAnOutcome()
    {
        using (Outbox outbox = Open("refusal.db"))
        {
            outbox.Submit(new LifePayRequest { ExtId = "refused", Login = Rejecting });
            LifePayResult result = outbox.Wait("refused", TimeSpan.FromSeconds(30));
            Equal(LifePayCode.FiscalizationForbidden, result.Code);
            Equal(result.Code, Throws<LifePayException>(() => result.EnsureAccepted()).Code);
            outbox.RetryNow("refused");
            Equal(LifePayCode.FiscalizationForbidden, Wait(outbox.WaitAsync("refused")).Code);
            outbox.RetryAllNow();
        }
    }

    static void APendingRequestIsCancelledAndForgotten()
    {
        using (Outbox outbox = Open("waits.db"))
        {
            var request = new LifePayRequest
            {
                ExtId = "waits",
                TargetSerial = Redirects,
                ExpiresAfter = Timeout.InfiniteTimeSpan,
            };
            outbox.Submit(request);
            while (outbox.Entries().Single().Attempts == 0 || outbox.Entries().Single().IsSending)
                Thread.Sleep(10);
            OutboxEntry entry = outbox.Entries().Single();
            True(entry.IsPending && entry.NextAttemptAt > DateTimeOffset.UtcNow.AddMinutes(30));
            Equal(null, entry.ExpiresAt);
            Equal(null, entry.AnsweredAt);
            Equal(1, outbox.Pending);
            True(outbox.Wait("waits", TimeSpan.FromMilliseconds(50)).IsPending);
            var refused = Throws<LifePayException>(() => outbox.Forget("waits"));
            Equal(LifePayCode.Argument, refused.Code);
            True(refused.Message.EndsWith("Он не удалён: сначала отмените его."));
            True(entry.ToString().StartsWith("waits LP_PENDING: "));
            Equal(LifePayOutcome.Unknown, refused.Outcome);
            LifePayResult cancelled = outbox.Cancel("waits");
            Equal(LifePayCode.Cancelled, cancelled.Code);
            Equal(LifePayOutcome.Unknown, cancelled.Outcome);
            refused = Throws<LifePayException>(() => outbox.RetryNow("waits"));
            Equal(LifePayOutcome.Unknown, refused.Outcome);
            True(refused.Message.EndsWith("Повторить его сейчас нельзя."));
            outbox.Forget("waits");
            foreach (Action call in new Action[]
            {
                () => outbox.Wait("waits", TimeSpan.Zero), () => outbox.RetryNow("waits"),
                () => outbox.Cancel("waits"), () => outbox.Forget("waits"),
            })
            {
                var none = Throws<LifePayException>(call);
                Equal(LifePayCode.NotFound, none.Code);
                Equal("waits", none.ExtId);
            }
            Equal(LifePayCode.Argument, Throws<LifePayException>(() => outbox.Forget(null)).Code);
            Equal(LifePayCode.Argument, Throws<LifePayException>(() => outbox.RetryNow("")).Code);
        }
    }

    static void AWaitEndsWithItsLimitItsTokenOrItsOutbox()
    {
        LifePayRequest settings = Request(null);
        settings.BaseUrl = Nobody;
        var outbox = new Outbox(Path.Combine(folder, "ends.db"), settings);
        outbox.Submit(new LifePayRequest { ExtId = "ends" });
        DateTime began = DateTime.UtcNow;
        True(outbox.Wait("ends", TimeSpan.FromMilliseconds(450)).IsPending);
        double took = (DateTime.UtcNow - began).TotalMilliseconds;
        True(took >= 450 && took < 5000);
        using (var stop = new CancellationTokenSource(100))
        {
            Task<LifePayResult> task = outbox.WaitAsync("ends", stop.Token);
            Throws<OperationCanceledException>(() => Wait(task));
            Equal(TaskStatus.Canceled, task.Status);
        }
        Task<LifePayResult> waiting = outbox.WaitAsync("ends");
        Thread.Sleep(50);
        outbox.Dispose();
        Equal(LifePayCode.Closed, Throws<LifePayException>(() => Wait(waiting)).Code);
        Equal(LifePayCode.Closed, Throws<LifePayException>(() => outbox.Entries()).Code);
        outbox.Dispose();
    }

    static void AnOutboxThatCannotBeOpenedSaysWhy()
    {
        var error = Throws<LifePayException>(
            () => new Outbox(Path.Combine(folder, "none", "x.db"), Request(null)));
        Equal(LifePayCode.Outbox, error.Code);
        error = Throws<LifePayException>(() => new Outbox("a\0b", Request(null)));
        Equal("path", error.Errors.Single().Field);
        error = Throws<LifePayException>(() => new Outbox("", Request(null)));
        Equal(LifePayCode.Argument, error.Code);
    }

    // ------------------------------------------------------------------------------------------ the log

    static void TheLogSurvivesItsHandlers()
    {
        var lines = new List<string>();
        EventHandler<LifePayLogEventArgs> throwing = (sender, line) => { throw new Exception("mine"); };
        EventHandler<LifePayLogEventArgs> recording = (sender, line) =>
        {
            GC.Collect();
            lock (lines)
                lines.Add(line.Level + " " + line.Message);
            Throws<InvalidOperationException>(() => LifePayLog.Level = LifePayLogLevel.Off);
            // Refused in a log callback, as all calls that send, also on another thread.
            var refused = Throws<LifePayException>(() => LifePayClient.OpenShift(Request("in-the-log")));
            True(refused.Message.EndsWith("отправлено. Этот вызов недопустим в обработчике журнала."));
            Throws<LifePayException>(() => Wait(LifePayClient.OpenShiftAsync(Request("in-the-log"))));
        };
        LifePayLog.Level = LifePayLogLevel.Trace;
        LifePayLog.Written += throwing;
        LifePayLog.Written += recording;
        LifePayClient.OpenShift(Request("logged"));
        using (Outbox outbox = Open("logged.db"))
        {
            outbox.Submit(new LifePayRequest { ExtId = "logged-2" });
            outbox.Wait("logged-2", TimeSpan.FromSeconds(30));
        }
        LifePayLog.Written -= throwing;
        LifePayLog.Written -= recording;
        lock (lines)
        {
            True(lines.Any(line => line.StartsWith("Info ") && line.Contains("ext_id=logged ")));
            True(lines.Any(line => line.StartsWith("Trace ") && line.Contains("logged-2")));
            True(!lines.Any(line => line.Contains(ApiKey)));
            lines.Clear();
        }
        LifePayClient.OpenShift(Request(null));
        LifePayLog.Written += recording;
        LifePayLog.Level = LifePayLogLevel.Off;
        LifePayClient.OpenShift(Request(null));
        lock (lines)
            Equal(0, lines.Count);
        LifePayLog.Written -= recording;
        LifePayLog.Level = LifePayLogLevel.Info;
        Throws<ArgumentOutOfRangeException>(() => LifePayLog.Level = (LifePayLogLevel)17);
        Equal(LifePayLogLevel.Info, LifePayLog.Level);
    }

    static void TheLogGoesToAFile()
    {
        string file = Path.Combine(folder, "журнал.log");
        LifePayLog.ToFile(file);
        LifePayClient.OpenShift(Request("in-the-file"));
        LifePayLog.ToFile(null);
        True(File.ReadAllText(file).Contains("ext_id=in-the-file"));
        file = Path.Combine(folder, "none", "x.log");
        var error = Throws<LifePayException>(() => LifePayLog.ToFile(file));
        Equal(LifePayCode.Argument, error.Code);
        Equal("path", error.Errors.Single().Field);
        True(error.Message.Contains(file));
    }

    // ---------------------------------------------------------------------------------- names and texts

    static void CodesHaveNamesAndTexts()
    {
        Equal("LP_ERR_TIMEOUT", LifePayClient.CodeName(LifePayCode.Timeout));
        Equal("UNKNOWN", LifePayClient.CodeName(7777));
        True(LifePayClient.CodeText(7777).Length > 10);
        True(LifePayClient.CodeText(LifePayCode.Ok).Contains("LifePay"));
        string version = typeof(LifePayClient).GetTypeInfo().Assembly.GetName().Version.ToString(3);
        Equal(version, LifePayClient.LibraryVersion);
        string[] parts = version.Split('.');
        int number = int.Parse(parts[0]) * 10000 + int.Parse(parts[1]) * 100 + int.Parse(parts[2]);
        Equal(number, LifePayClient.LibraryVersionNumber);
        True(File.Exists(LifePayClient.LibraryPath));
    }

    // ------------------------------------------------------------------------------------------- helpers

    sealed class ProgressHandler : IProgress<LifePayProgress>
    {
        readonly Action<LifePayProgress> handle;

        public ProgressHandler(Action<LifePayProgress> handle)
        {
            this.handle = handle;
        }

        public void Report(LifePayProgress progress)
        {
            handle(progress);
        }
    }

    /// Throws the task's exception itself, as await does, and not an AggregateException.
    static T Wait<T>(Task<T> task)
    {
        return task.GetAwaiter().GetResult();
    }

    static void True(bool holds)
    {
        if (!holds)
            throw new Exception("the condition is false");
    }

    static void Equal(object expected, object found)
    {
        if (!Equals(expected, found))
            throw new Exception("expected <" + expected + ">, found <" + found + ">");
    }

    static void NotEqual(object other, object found)
    {
        if (Equals(other, found))
            throw new Exception("unexpected <" + found + ">");
    }

    static T Throws<T>(Action action) where T : Exception
    {
        try
        {
            action();
        }
        catch (T error)
        {
            return error;
        }
        throw new Exception("no " + typeof(T).Name + " was thrown");
    }

    static int Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        url = arguments[0];
        folder = arguments[1];
        string wanted = arguments.Length > 2 ? arguments[2] : "";
        int passed = 0, failed = 0;
        const BindingFlags own = BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        foreach (MethodInfo test in typeof(Tests).GetTypeInfo().GetMethods(own))
        {
            bool isTest = test.ReturnType == typeof(void) && test.GetParameters().Length == 0;
            if (!isTest || test.Name.StartsWith("<") || !test.Name.Contains(wanted))
                continue;
            try
            {
                test.Invoke(null, null);
                passed++;
            }
            catch (TargetInvocationException error)
            {
                failed++;
                Console.WriteLine(test.Name + ": " + error.InnerException);
            }
        }
        Console.WriteLine(passed + " passed, " + failed + " failed");
        return failed == 0 && passed > 0 ? 0 : 1;
    }
}

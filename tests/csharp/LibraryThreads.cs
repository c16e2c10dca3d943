// A .NET program whose log callback runs on the library's threads: LibraryThreads.exe URL OUTBOX.
// The runtime turns faults in such a thread into exceptions and suspends it for garbage collection.
// It uses signals for both.
using System;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

static class LibraryThreads
{
    const string Library = "lifepay";
    const int Ok = 0, LogOff = 0, LogTrace = 5, Requests = 20;

    [StructLayout(LayoutKind.Sequential)]
    struct Config
    {
        public uint StructSize;
        public int Test;
        public IntPtr Apikey, Login, CashierName, CashierInn, TargetSerial, ExtId, CallbackUrl;
        public IntPtr CallbackData, CallbackDataJson, BaseUrl, Proxy, CaFile;
        public int Trust;
        public uint ConnectTimeoutMs, TimeoutMs, RetryForMs;
        public IntPtr RetryDelaysMs, OnProgress, UserData;
        public uint RetryDelayCount, ExpiresAfterMs, Concurrency, KeepDays;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Result
    {
        public uint StructSize;
        public int Code, Outcome, HttpStatus;
        public uint Attempts, RetryAfterMs;
        public ulong Owner;
        public IntPtr Uuid, ExtId, Message, Detail, Reply, Errors;
        public uint ErrorCount, Reserved;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    delegate void Log(int level, IntPtr message, IntPtr userData);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern int lp_config_init(out Config config, uint size);
    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern int lp_result_init(out Result result, uint size);
    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern void lp_result_free(ref Result result);
    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern int lp_set_log(Log callback, IntPtr userData, int level);
    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern int lp_outbox_open(byte[] path, ref Config config, out IntPtr outbox, ref Result result);
    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern int lp_outbox_submit(IntPtr outbox, ref Config config, ref Result result);
    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern int lp_outbox_wait(IntPtr outbox, byte[] extId, uint timeoutMs, ref Result result);
    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    static extern int lp_outbox_close(IntPtr outbox);

    static int mainThread, nullReferences, divisions;
    static string nothing = null;
    static int zero = 0;

    static void Throw(int level, IntPtr message, IntPtr userData)
    {
        if (Thread.CurrentThread.ManagedThreadId == mainThread)
            return;
        try {
            nothing.Trim();
        } catch (NullReferenceException) {
            Interlocked.Increment(ref nullReferences);
        }
        try {
            level /= zero;
        } catch (DivideByZeroException) {
            Interlocked.Increment(ref divisions);
        }
    }

    static byte[] Utf8(string text)
    {
        return Encoding.UTF8.GetBytes(text + "\0");
    }

    static IntPtr Lend(string text)
    {
        byte[] bytes = Utf8(text);
        IntPtr copy = Marshal.AllocHGlobal(bytes.Length);
        Marshal.Copy(bytes, 0, copy, bytes.Length);
        return copy;
    }

    static void Check(bool holds, string what)
    {
        if (!holds)
            throw new Exception(what);
    }

    static int Main(string[] arguments)
    {
        Config config;
        Result result;
        IntPtr outbox;
        Log log = Throw;
        mainThread = Thread.CurrentThread.ManagedThreadId;
        Check(lp_config_init(out config, (uint)Marshal.SizeOf(typeof(Config))) == Ok, "config");
        Check(lp_result_init(out result, (uint)Marshal.SizeOf(typeof(Result))) == Ok, "result");
        Check(lp_set_log(log, IntPtr.Zero, LogTrace) == Ok, "log");
        config.Apikey = Lend("s3cr3t-apikey");
        config.Login = Lend("79031234567");
        config.BaseUrl = Lend(arguments[0]);
        config.Proxy = Lend("none");
        Check(lp_outbox_open(Utf8(arguments[1]), ref config, out outbox, ref result) == Ok, "open");
        for (int number = 0; number < Requests; number++) {
            config.ExtId = Lend("csharp-" + number);
            Check(lp_outbox_submit(outbox, ref config, ref result) == Ok, "submit");
            GC.Collect();
        }
        for (int number = 0; number < Requests; number++) {
            Check(lp_outbox_wait(outbox, Utf8("csharp-" + number), 30000, ref result) == Ok, "wait");
            GC.Collect();
        }
        Check(lp_outbox_close(outbox) == Ok, "close");
        lp_result_free(ref result);
        Check(lp_set_log(null, IntPtr.Zero, LogOff) == Ok, "no log");
        GC.KeepAlive(log);
        Check(nullReferences >= Requests && divisions == nullReferences,
              nullReferences + " and " + divisions + " exceptions");
        return 0;
    }
}

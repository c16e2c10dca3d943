using System;
using System.Runtime.InteropServices;

namespace LifePay
{
    // lp_config, lp_result, lp_progress, lp_entry of lifepay.h. Strings are declared as IntPtr,
    // because the library owns those it returns and the runtime must not free them.

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeConfig
    {
        public uint StructSize;
        public int Test;
        public IntPtr Apikey;
        public IntPtr Login;
        public IntPtr CashierName;
        public IntPtr CashierInn;
        public IntPtr TargetSerial;
        public IntPtr ExtId;
        public IntPtr CallbackUrl;
        public IntPtr CallbackData;
        public IntPtr CallbackDataJson;
        public IntPtr BaseUrl;
        public IntPtr Proxy;
        public IntPtr CaFile;
        public int Trust;
        public uint ConnectTimeoutMs;
        public uint TimeoutMs;
        public uint RetryForMs;
        public IntPtr RetryDelaysMs;
        public IntPtr OnProgress;
        public IntPtr UserData;
        public uint RetryDelayCount;
        public uint ExpiresAfterMs;
        public uint Concurrency;
        public uint KeepDays;
        public IntPtr Path;
        public IntPtr DocumentJson;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeFieldError
    {
        public IntPtr Field;
        public IntPtr Message;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeResult
    {
        public uint StructSize;
        public int Code;
        public int Outcome;
        public int HttpStatus;
        public uint Attempts;
        public uint RetryAfterMs;
        public ulong Owner;
        public IntPtr Uuid;
        public IntPtr ExtId;
        public IntPtr Message;
        public IntPtr Detail;
        public IntPtr Reply;
        public IntPtr Errors;
        public uint ErrorCount;
        public uint Reserved;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeProgress
    {
        public uint StructSize;
        public int Phase;
        public uint Attempts;
        public int Code;
        public int HttpStatus;
        public uint ElapsedMs;
        public uint NextAttemptMs;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeEntry
    {
        public uint StructSize;
        public int Code;
        public int Outcome;
        public uint Flags;
        public uint Attempts;
        public int HttpStatus;
        public long SubmittedAt;
        public long NextAttemptAt;
        public long AnsweredAt;
        public long ExpiresAt;
        public IntPtr ExtId;
        public IntPtr Login;
        public IntPtr TargetSerial;
        public IntPtr BaseUrl;
        public IntPtr Uuid;
        public IntPtr Message;
        public IntPtr Path;
    }

    // The callbacks.

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int ProgressCallback(IntPtr progress, IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int EntryCallback(IntPtr entry, IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void LogCallback(int level, IntPtr message, IntPtr userData);

    // The functions, by their signatures.

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int InitConfig(out NativeConfig config, uint size);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int InitResult(out NativeResult result, uint size);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void FreeResult(ref NativeResult result);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int SendRequest(ref NativeConfig config, ref NativeResult result);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int WriteText(IntPtr buffer, uint size);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int OpenOutbox(
        IntPtr path, ref NativeConfig config, out IntPtr outbox, ref NativeResult result);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int SubmitRequest(IntPtr outbox, ref NativeConfig config, ref NativeResult result);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int WaitFor(IntPtr outbox, IntPtr extId, uint timeoutMs, ref NativeResult result);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int CancelEntry(IntPtr outbox, IntPtr extId, ref NativeResult result);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int ShowEntries(IntPtr outbox, EntryCallback callback, IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int OfEntry(IntPtr outbox, IntPtr extId);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int CountPending(IntPtr outbox, out uint count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int CloseOutbox(IntPtr outbox);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate IntPtr TextOfCode(int code);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int SetLog(LogCallback callback, IntPtr userData, int level);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int LogToFile(IntPtr path, int level, uint maxBytes);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate IntPtr Text();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate uint Number();
}

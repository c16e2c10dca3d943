using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace LifePay
{
    // Calls the library's functions, and converts their results or throws them.
    internal static class Call
    {
        public delegate int Function(ref NativeResult result);

        // Makes a call that fills a result, and returns a copy of it. `returned` is the call's
        // return value, which may differ from the code in the result.
        public static LifePayResult Make(Function function, out int returned)
        {
            Library library = Library.Loaded;
            NativeResult native;
            library.ResultInit(out native, (uint)Marshal.SizeOf(typeof(NativeResult)));
            try
            {
                returned = function(ref native);
                return new LifePayResult(native, returned);
            }
            finally
            {
                library.ResultFree(ref native);
            }
        }

        // Throws if a call that fills no result has failed.
        public static void Check(int code)
        {
            if (code != LifePayCode.Ok)
                throw new LifePayException(LifePayResult.OfCode(code));
        }

        // Sends a request. The token, an exception of `progress` and the end of the process stop
        // the call.
        public static LifePayResult Send(
            SendRequest function,
            LifePayRequest request,
            IProgress<LifePayProgress> progress,
            CancellationToken cancellationToken)
        {
            using (var arguments = new Arguments())
            {
                NativeConfig config = arguments.Config(request);
                arguments.Check();
                int endings = Ending.Count;
                Exception thrown = null;
                ProgressCallback callback = (address, userData) =>
                {
                    // The process is ending. Reporting would post to the thread pool, which can
                    // keep Mono from ending for a minute.
                    if (Ending.Count != endings)
                        return 1;
                    Exception error = Caught(() =>
                    {
                        if (progress != null)
                            progress.Report(new LifePayProgress(address));
                    });
                    thrown = thrown ?? error;
                    return thrown != null || cancellationToken.IsCancellationRequested ? 1 : 0;
                };
                config.OnProgress = Marshal.GetFunctionPointerForDelegate(callback);
                if (cancellationToken.IsCancellationRequested)
                    throw new LifePayCanceledException(LifePayResult.NotSent(request.ExtId), cancellationToken);
                int code;
                LifePayResult result;
                Ending.Enter();
                try
                {
                    result = Make((ref NativeResult native) => function(ref config, ref native), out code);
                }
                finally
                {
                    Ending.Leave();
                }
                GC.KeepAlive(callback);
                if (code == LifePayCode.Ok)
                    return result;
                bool isByToken = cancellationToken.IsCancellationRequested
                    && (thrown == null || thrown is OperationCanceledException);
                if (code == LifePayCode.Cancelled && isByToken)
                    throw new LifePayCanceledException(result, cancellationToken);
                if (code == LifePayCode.Cancelled && thrown == null)
                    Ending.Park();
                throw new LifePayException(result, thrown);
            }
        }

        // Runs a callback of the program, and returns its exception or null. No exception may pass
        // through the library's frames, not even a thread abort.
        public static Exception Caught(Action action)
        {
            try
            {
                action();
                return null;
            }
            catch (ThreadAbortException aborted)
            {
                Thread.ResetAbort();
                return aborted;
            }
            catch (Exception error)
            {
                return error;
            }
        }
    }
}

using System;
using System.Diagnostics;
using System.Threading;

namespace LifePay
{
    // Stops calls when the process or the application domain ends. Mono waits for threads that are
    // inside native code: without a limit for a call, ten seconds for a thread of the library that
    // has called a log handler.
    internal static class Ending
    {
        const int LimitMs = 1500;

        static int running;
        static int endings;

        [ThreadStatic]
        static int runningHere;

        static Ending()
        {
            AppDomain.CurrentDomain.ProcessExit += End;
            AppDomain.CurrentDomain.DomainUnload += End;
        }

        // Runs the static constructor, which registers End.
        public static void Watch()
        {
        }

        // Number of times that End was called. A call stops if this changes. A call made
        // afterwards, by another handler of ProcessExit, does not stop.
        public static int Count
        {
            get { return Volatile.Read(ref endings); }
        }

        // Enter and Leave enclose each call that may take minutes.
        public static void Enter()
        {
            runningHere++;
            Interlocked.Increment(ref running);
        }

        public static void Leave()
        {
            Interlocked.Decrement(ref running);
            runningHere--;
        }

        // Blocks a thread whose call was stopped by End, so that the program does not process the
        // result or an exception while it ends.
        public static void Park()
        {
            Thread.Sleep(Timeout.Infinite);
        }

        // Waits until a condition holds, but not so long that the program would seem to hang.
        // Returns false if it does not hold by then.
        public static bool WaitUntil(Func<bool> holds)
        {
            Stopwatch clock = Stopwatch.StartNew();
            while (!holds())
            {
                if (clock.ElapsedMilliseconds > LimitMs)
                    return false;
                Thread.Sleep(5);
            }
            return true;
        }

        static void End(object sender, EventArgs e)
        {
            Interlocked.Increment(ref endings);
            LifePayLog.RemoveCallback();
            // Does not wait for this thread's own calls: if one of their callbacks ends the process,
            // they cannot return.
            WaitUntil(() => Volatile.Read(ref running) <= runningHere);
        }
    }
}

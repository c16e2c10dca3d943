using System;
using System.Diagnostics;
using System.Threading;

namespace LifePay
{
    // The end of the process, or of the application domain. Mono waits for threads that are inside a
    // library: for a call as long as it takes, for a thread of the library's that has called a handler of
    // the log ten seconds.
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

        // From here on the end is noticed.
        public static void Watch()
        {
        }

        // How often the end has begun: a call stops if that changes. One that is made later, by another
        // handler of the end, does not.
        public static int Count
        {
            get { return Volatile.Read(ref endings); }
        }

        // Around each call that may take minutes.
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

        // Where a thread waits for the end that has stopped its call: what the program had it do with the
        // result, or with an exception, is over.
        public static void Park()
        {
            Thread.Sleep(Timeout.Infinite);
        }

        // Waits until it holds, but not so long that the program would seem to hang.
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
            LifePayLog.TakeOff();
            // Not for that which a handler of the program is called by, and which ends the process.
            WaitUntil(() => Volatile.Read(ref running) <= runningHere);
        }
    }
}

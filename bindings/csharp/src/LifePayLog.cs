using System;
using System.Threading;

namespace LifePay
{
    /// <summary>Строка журнала.</summary>
    public sealed class LifePayLogEventArgs : EventArgs
    {
        internal LifePayLogEventArgs(LifePayLogLevel level, string message)
        {
            Level = level;
            Message = message;
        }

        /// <summary>Её уровень.</summary>
        public LifePayLogLevel Level { get; private set; }

        /// <summary>Её текст; apikey в нём скрыт.</summary>
        public string Message { get; private set; }
    }

    /// <summary>Журнал библиотеки.</summary>
    public static class LifePayLog
    {
        const int WaitAtExitMs = 1500;

        static readonly object Gate = new object();

        // For as long as the process lives: the library's threads call it.
        static readonly LogCallback Callback = Write;

        static EventHandler<LifePayLogEventArgs> handlers;
        static LifePayLogLevel level = LifePayLogLevel.Info;
        static bool isSet;
        static volatile bool isOver;

        [ThreadStatic]
        static bool isHandling;

        /// <summary>
        /// Новая строка журнала. Обработчик вызывается из любых потоков, в том числе из нескольких сразу.
        /// Исключения в нём теряются; вызовы библиотеки в нём не работают. Не захватывайте в нём
        /// блокировку, которую держит тот, кто меняет <see cref="Level"/>. Когда программа кончается,
        /// обработчик снимается, а открытые очереди закрываются.
        /// </summary>
        public static event EventHandler<LifePayLogEventArgs> Written
        {
            add
            {
                Change(all => (EventHandler<LifePayLogEventArgs>)Delegate.Combine(all, value));
                // In a handler there is one that is set.
                if (!isHandling)
                {
                    lock (Gate)
                    {
                        if (!isSet)
                            Set();
                    }
                }
            }
            remove
            {
                Change(all => (EventHandler<LifePayLogEventArgs>)Delegate.Remove(all, value));
            }
        }

        /// <summary>Что сообщать: этот уровень и всё, что важнее. Сначала Info. В обработчике его не меняют.</summary>
        /// <exception cref="InvalidOperationException">Вызвано в обработчике журнала.</exception>
        public static LifePayLogLevel Level
        {
            get { return level; }
            set
            {
                if (isHandling)
                    throw new InvalidOperationException("LifePayLog.Level нельзя менять в обработчике журнала.");
                lock (Gate)
                {
                    LifePayLogLevel before = level;
                    level = value;
                    try
                    {
                        if (isSet)
                            Set();
                    }
                    catch (LifePayException)
                    {
                        level = before;
                        throw;
                    }
                }
            }
        }

        /// <summary>Пишет журнал в файл, вместо прежнего файла. Обработчик для этого не нужен.</summary>
        /// <param name="path">Путь; null - не писать.</param>
        /// <param name="level">Этот уровень и всё, что важнее.</param>
        /// <param name="maxBytes">
        /// При каком размере переименовать файл, добавив к имени ".old", и начать новый; 0 - 10 МиБ.
        /// </param>
        /// <exception cref="LifePayException">В файл нельзя писать; прежний остаётся.</exception>
        public static void ToFile(string path, LifePayLogLevel level = LifePayLogLevel.Info, uint maxBytes = 0)
        {
            using (var arguments = new Arguments())
            {
                IntPtr text = arguments.String("path", path);
                arguments.Check();
                Check(Library.Loaded.LogToFile(text, (int)level, maxBytes));
            }
        }

        static void Set()
        {
            Check(Library.Loaded.SetLog(Callback, IntPtr.Zero, (int)level));
            if (!isSet)
            {
                isSet = true;
                AppDomain.CurrentDomain.ProcessExit += TakeOff;
                AppDomain.CurrentDomain.DomainUnload += TakeOff;
            }
        }

        /// Once the runtime has ended, no thread of the library may call it. Those of an outbox that have
        /// called it must end, too: Mono waits ten seconds for them.
        static void TakeOff(object sender, EventArgs e)
        {
            isOver = true;
            // It waits for handlers that are running, and the program must end whatever they do.
            var thread = new Thread(() =>
            {
                Library.Loaded.SetLog(null, IntPtr.Zero, (int)LifePayLogLevel.Off);
                Outbox.CloseAll();
            });
            thread.IsBackground = true;
            thread.Start();
            thread.Join(WaitAtExitMs);
        }

        static void Write(int severity, IntPtr message, IntPtr userData)
        {
            EventHandler<LifePayLogEventArgs> all = Volatile.Read(ref handlers);
            if (isOver || all == null)
                return;
            isHandling = true;
            Call.Caught(() =>
            {
                var line = new LifePayLogEventArgs((LifePayLogLevel)severity, Utf8.Text(message));
                foreach (EventHandler<LifePayLogEventArgs> handler in all.GetInvocationList())
                    Call.Caught(() => handler(null, line));
            });
            isHandling = false;
        }

        static void Change(
            Func<EventHandler<LifePayLogEventArgs>, EventHandler<LifePayLogEventArgs>> change)
        {
            EventHandler<LifePayLogEventArgs> before;
            do
            {
                before = Volatile.Read(ref handlers);
            }
            while (Interlocked.CompareExchange(ref handlers, change(before), before) != before);
        }

        static void Check(int code)
        {
            if (code != LifePayCode.Ok)
                throw new LifePayException(LifePayResult.OfCode(code));
        }
    }
}

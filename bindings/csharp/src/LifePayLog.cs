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
        static readonly object Gate = new object();

        // Kept alive until the process ends, because the library's threads call it.
        static readonly LogCallback Callback = Write;

        static EventHandler<LifePayLogEventArgs> handlers;
        static LifePayLogLevel level = LifePayLogLevel.Info;
        static volatile bool isSet;
        static volatile bool isOver;
        static int running;

        [ThreadStatic]
        static bool isHandling;

        /// <summary>
        /// Новая строка журнала. Обработчик вызывается из любых потоков, в том числе из нескольких сразу.
        /// Исключения из него теряются; вызовы библиотеки из него не работают. Не захватывайте в нём
        /// блокировку, которую держит тот, кто меняет <see cref="Level"/> или подписывается первым. Когда
        /// программа завершается, обработчик снимается, а открытые очереди закрываются.
        /// </summary>
        /// <remarks>
        /// Журнал один на процесс: если сборка загружена в нём дважды, например в двух доменах приложений,
        /// строки получает тот, кто подписался последним.
        /// </remarks>
        public static event EventHandler<LifePayLogEventArgs> Written
        {
            add
            {
                Change(all => (EventHandler<LifePayLogEventArgs>)Delegate.Combine(all, value));
                // Not if the callback is set already: setting it waits for running handlers, and
                // this accessor may be called by one.
                if (!isSet)
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

        /// <summary>
        /// Что сообщать: этот уровень и всё, что важнее. По умолчанию Info. Ждёт, пока вернутся обработчики,
        /// которые сейчас работают.
        /// </summary>
        /// <exception cref="ArgumentOutOfRangeException">Такого уровня нет.</exception>
        /// <exception cref="InvalidOperationException">Вызвано из обработчика журнала.</exception>
        public static LifePayLogLevel Level
        {
            get { return level; }
            set
            {
                CheckLevel(value);
                if (isHandling)
                    throw new InvalidOperationException("LifePayLog.Level нельзя менять из обработчика журнала.");
                lock (Gate)
                {
                    level = value;
                    if (isSet)
                        Set();
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
            CheckLevel(level);
            using (var arguments = new Arguments())
            {
                IntPtr text = arguments.String("path", path);
                arguments.Check();
                int code = Library.Loaded.LogToFile(text, (int)level, maxBytes);
                if (code == LifePayCode.Argument && !isHandling)
                    arguments.Refuse("path", "файл нельзя открыть для записи: " + path);
                arguments.Check();
                Call.Check(code);
            }
        }

        internal static bool IsHandling
        {
            get { return isHandling; }
        }

        // Called when the process ends: after the runtime has shut down, no thread of the library
        // may call the callback. An outbox's threads that have called it must end, so all outboxes
        // are closed.
        internal static void RemoveCallback()
        {
            if (!isSet)
                return;
            isOver = true;
            // SetLog waits for running handlers, perhaps forever, and Mono would wait for SetLog.
            if (!isHandling && Ending.WaitUntil(() => Volatile.Read(ref running) == 0))
                Library.Loaded.SetLog(null, IntPtr.Zero, (int)LifePayLogLevel.Off);
            Outbox.CloseAll();
        }

        static void Set()
        {
            Ending.Watch();
            Call.Check(Library.Loaded.SetLog(Callback, IntPtr.Zero, (int)level));
            isSet = true;
        }

        static void Write(int severity, IntPtr message, IntPtr userData)
        {
            Call.Caught(() =>
            {
                Interlocked.Increment(ref running);
                try
                {
                    EventHandler<LifePayLogEventArgs> all = Volatile.Read(ref handlers);
                    if (isOver || all == null)
                        return;
                    isHandling = true;
                    var line = new LifePayLogEventArgs((LifePayLogLevel)severity, Utf8.Text(message));
                    foreach (EventHandler<LifePayLogEventArgs> handler in all.GetInvocationList())
                        Call.Caught(() => handler(null, line));
                }
                finally
                {
                    isHandling = false;
                    Interlocked.Decrement(ref running);
                }
            });
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

        static void CheckLevel(LifePayLogLevel level)
        {
            if (level < LifePayLogLevel.Off || level > LifePayLogLevel.Trace)
                throw new ArgumentOutOfRangeException("level", "Такого уровня журнала нет.");
        }
    }
}

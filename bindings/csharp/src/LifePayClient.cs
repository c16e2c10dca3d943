using System;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace LifePay
{
    /// <summary>
    /// Открывает и закрывает смену, печатает чеки через облачную фискализацию LifePay. Вызывать можно из
    /// любых потоков.
    /// </summary>
    public static class LifePayClient
    {
        /// <summary>
        /// Открывает смену и ждёт ответа. Принято - ещё не значит, что смена открыта: это показывает отчёт,
        /// который печатает касса, или личный кабинет LifePay.
        /// </summary>
        /// <param name="request">Запрос; вызов его не меняет.</param>
        /// <param name="progress">Получает ход вызова, в потоке, который его сделал.</param>
        /// <param name="cancellationToken">Прерывает вызов в течение секунды.</param>
        /// <returns>Принятый документ: <see cref="LifePayResult.Uuid"/>, <see cref="LifePayResult.ExtId"/>.</returns>
        /// <exception cref="LifePayException">Документ не принят; что делать, говорят Message и Outcome.</exception>
        /// <exception cref="LifePayCanceledException">Вызов прерван; есть ли запрос у LifePay, говорит Outcome.</exception>
        /// <exception cref="DllNotFoundException">Не найдена lifepay.dll или liblifepay.so.0.</exception>
        public static LifePayResult OpenShift(
            LifePayRequest request,
            IProgress<LifePayProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            Given(request);
            return Call.Send(Library.Loaded.OpenShift, request, progress, cancellationToken);
        }

        /// <summary>
        /// Отправляет любой другой документ: Z-отчёт, который закрывает смену, чек. Какой это документ,
        /// говорит <see cref="LifePayRequest.Path"/>, его собственные поля -
        /// <see cref="LifePayRequest.DocumentJson"/>.
        /// </summary>
        /// <remarks>
        /// ExtId для таких документов не создаётся. Что LifePay узнаёт повтор по ExtId, известно только для
        /// открытия смены; о другом документе посмотрите на его странице. Без ExtId ничего не повторяется,
        /// а если Outcome - Unknown, прежде чем отправлять снова, посмотрите в личном кабинете LifePay, нет
        /// ли уже такого документа.
        /// </remarks>
        /// <param name="request">Запрос; вызов берёт его таким, какой он сейчас.</param>
        /// <param name="progress">Получает ход вызова, в потоке, который его сделал.</param>
        /// <param name="cancellationToken">Прерывает вызов в течение секунды.</param>
        /// <returns>Принятый документ: <see cref="LifePayResult.Uuid"/>, <see cref="LifePayResult.ExtId"/>.</returns>
        /// <exception cref="LifePayException">Документ не принят; что делать, говорят Message и Outcome.</exception>
        /// <exception cref="LifePayCanceledException">Вызов прерван; есть ли запрос у LifePay, говорит Outcome.</exception>
        public static LifePayResult Send(
            LifePayRequest request,
            IProgress<LifePayProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            Given(request);
            return Call.Send(Library.Loaded.Send, request, progress, cancellationToken);
        }

        /// <summary>
        /// Как <see cref="OpenShift"/>, но в своём потоке, который вызов занимает до конца: окно программы не
        /// замирает.
        /// </summary>
        /// <param name="request">Запрос; вызов берёт его таким, какой он сейчас.</param>
        /// <param name="progress">Получает ход вызова, в потоке, который его сделал.</param>
        /// <param name="cancellationToken">Прерывает вызов в течение секунды.</param>
        /// <returns>Принятый документ: <see cref="LifePayResult.Uuid"/>, <see cref="LifePayResult.ExtId"/>.</returns>
        /// <exception cref="LifePayException">Документ не принят; что делать, говорят Message и Outcome.</exception>
        /// <exception cref="LifePayCanceledException">Вызов прерван; есть ли запрос у LifePay, говорит Outcome.</exception>
        public static Task<LifePayResult> OpenShiftAsync(
            LifePayRequest request,
            IProgress<LifePayProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            Given(request);
            LifePayRequest copy = request.Clone();
            return Blocking.Run(() => OpenShift(copy, progress, cancellationToken));
        }

        /// <summary>
        /// Как <see cref="Send"/>, но в своём потоке, который вызов занимает до конца: окно программы не
        /// замирает.
        /// </summary>
        /// <param name="request">Запрос; вызов берёт его таким, какой он сейчас.</param>
        /// <param name="progress">Получает ход вызова, в потоке, который его сделал.</param>
        /// <param name="cancellationToken">Прерывает вызов в течение секунды.</param>
        /// <returns>Принятый документ: <see cref="LifePayResult.Uuid"/>, <see cref="LifePayResult.ExtId"/>.</returns>
        /// <exception cref="LifePayException">Документ не принят; что делать, говорят Message и Outcome.</exception>
        /// <exception cref="LifePayCanceledException">Вызов прерван; есть ли запрос у LifePay, говорит Outcome.</exception>
        public static Task<LifePayResult> SendAsync(
            LifePayRequest request,
            IProgress<LifePayProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            Given(request);
            LifePayRequest copy = request.Clone();
            return Blocking.Run(() => Send(copy, progress, cancellationToken));
        }

        /// <summary>
        /// Новый ExtId, случайный UUID. Сохраните его и отправляйте с ним: тогда повтор безопасен и после
        /// сбоя программы.
        /// </summary>
        public static string NewExtId()
        {
            const int size = 37;
            IntPtr buffer = Marshal.AllocHGlobal(size);
            try
            {
                Call.Check(Library.Loaded.ExtIdNew(buffer, size));
                return Utf8.Text(buffer);
            }
            finally
            {
                Marshal.FreeHGlobal(buffer);
            }
        }

        /// <summary>Имя кода для журнала, например LP_ERR_TIMEOUT; UNKNOWN, если имени нет.</summary>
        public static string CodeName(int code)
        {
            return Utf8.Text(Library.Loaded.CodeName(code));
        }

        /// <summary>Код одним предложением для кассира.</summary>
        public static string CodeText(int code)
        {
            return Utf8.Text(Library.Loaded.CodeText(code));
        }

        /// <summary>Версия lifepay.dll или liblifepay.so.0, например 0.1.0.</summary>
        public static string LibraryVersion
        {
            get { return Utf8.Text(Library.Loaded.Version()); }
        }

        /// <summary>То же числом: 100 - это 0.1.0.</summary>
        public static int LibraryVersionNumber
        {
            get { return (int)Library.Loaded.VersionNumber(); }
        }

        /// <summary>
        /// Какой файл загружен. Первый вызов загружает библиотеку, поэтому им можно и проверить при запуске
        /// программы, что она на месте.
        /// </summary>
        /// <exception cref="DllNotFoundException">Её нет; в тексте сказано, где искали.</exception>
        public static string LibraryPath
        {
            get { return Library.Loaded.Path; }
        }

        static void Given(LifePayRequest request)
        {
            if (request == null)
                throw new ArgumentNullException("request");
        }
    }

    internal static class Blocking
    {
        // Runs a call that may take minutes on a new thread, because the thread pool has few. The
        // task is awaited so that after an OperationCanceledException the returned task is
        // cancelled, not faulted.
        public static async Task<T> Run<T>(Func<T> call)
        {
            // The library refuses the call in a log handler. On another thread the call would
            // succeed, and its log line would call the handler again.
            if (LifePayLog.IsHandling)
                return call();
            const TaskCreationOptions own = TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach;
            return await Task.Factory
                .StartNew(call, CancellationToken.None, own, TaskScheduler.Default)
                .ConfigureAwait(false);
        }
    }
}

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace LifePay
{
    /// <summary>
    /// Очередь: файл запросов, которые нельзя потерять. Запрос записывается на диск прежде, чем отправлен,
    /// и повторяется в фоне, пока LifePay не ответит, в том числе после перезапуска программы или
    /// отключения питания. Вызывать можно из любых потоков.
    /// </summary>
    public sealed class Outbox : IDisposable
    {
        // A wait checks its cancellation token at this interval.
        const uint PieceMs = 200;

        static readonly HashSet<IntPtr> Opened = new HashSet<IntPtr>();

        // A number that the library looks up and never reuses. There is no finalizer: pending
        // entries are to be sent until the process ends, and a process that ends without closing
        // loses nothing.
        readonly IntPtr handle;

        /// <summary>
        /// Открывает файл очереди или создаёт его и начинает отправлять то, что в нём ждёт. Сети сам вызов
        /// не касается.
        /// </summary>
        /// <param name="path">Путь на локальном диске. Рядом появятся файлы с тем же именем в начале.</param>
        /// <param name="settings">
        /// ApiKey (обязательно; на диск он не пишется), Login для запросов, у которых нет своего, BaseUrl,
        /// Proxy, Trust, CaFile, ConnectTimeout, Timeout, RetryDelays, Concurrency, KeepDays.
        /// </param>
        /// <exception cref="LifePayException">Файлом нельзя воспользоваться; он остался, каким был.</exception>
        public Outbox(string path, LifePayRequest settings)
        {
            if (settings == null)
                throw new ArgumentNullException("settings");
            using (var arguments = new Arguments())
            {
                NativeConfig config = arguments.Config(settings);
                IntPtr file = arguments.String("path", path);
                arguments.Check();
                IntPtr opened = IntPtr.Zero;
                int code;
                LifePayResult result = Call.Make(
                    (ref NativeResult native) =>
                        Library.Loaded.OutboxOpen(file, ref config, out opened, ref native),
                    out code);
                if (code != LifePayCode.Ok)
                    throw new LifePayException(result);
                handle = opened;
                lock (Opened)
                    Opened.Add(handle);
            }
        }

        /// <summary>
        /// Записывает запрос на диск; отправляется он в фоне. Сети вызов не ждёт. Без
        /// <see cref="LifePayRequest.Path"/> запрос открывает смену; с ним нужен ExtId.
        /// </summary>
        /// <param name="request">
        /// Поля запроса и ExpiresAfter. Без Login берётся тот, с которым открыта очередь.
        /// </param>
        /// <returns>
        /// Запрос: IsPending, или с ответом, если он уже есть. Запрос, который ждёт или принят, второй раз
        /// не записывается.
        /// </returns>
        /// <exception cref="LifePayException">
        /// Ничего не записано (Argument), или неизвестно, записано ли (Outbox): повторите с тем же ExtId.
        /// </exception>
        public LifePayResult Submit(LifePayRequest request)
        {
            if (request == null)
                throw new ArgumentNullException("request");
            using (var arguments = new Arguments())
            {
                NativeConfig config = arguments.Config(request);
                arguments.Check();
                return Ask((ref NativeResult native) =>
                    Library.Loaded.OutboxSubmit(handle, ref config, ref native));
            }
        }

        /// <summary>Как <see cref="Submit"/>, но медленный диск ждёт другой поток.</summary>
        /// <param name="request">Поля запроса и ExpiresAfter.</param>
        /// <returns>Запрос: IsPending, или с ответом, если он уже есть.</returns>
        /// <exception cref="LifePayException">
        /// Ничего не записано (Argument), или неизвестно, записано ли (Outbox): повторите с тем же ExtId.
        /// </exception>
        public Task<LifePayResult> SubmitAsync(LifePayRequest request)
        {
            if (request == null)
                throw new ArgumentNullException("request");
            LifePayRequest copy = request.Clone();
            return Blocking.Run(() => Submit(copy));
        }

        /// <summary>Ждёт ответа LifePay на запрос.</summary>
        /// <param name="extId">ExtId запроса.</param>
        /// <param name="timeout">
        /// Сколько ждать: 0 - только посмотреть, <see cref="Timeout.InfiniteTimeSpan"/> - без ограничения.
        /// </param>
        /// <param name="cancellationToken">Прерывает ожидание; запрос остаётся в очереди.</param>
        /// <returns>
        /// Запрос: IsPending, если ответа ещё нет. Отказ LifePay - тоже ответ, а не исключение; исключение
        /// из него делает <see cref="LifePayResult.EnsureAccepted"/>.
        /// </returns>
        /// <exception cref="LifePayException">Такого запроса нет, или очередь закрыта, в том числе тем временем.</exception>
        /// <exception cref="OperationCanceledException">Ожидание прервано.</exception>
        public LifePayResult Wait(
            string extId, TimeSpan timeout, CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var arguments = new Arguments())
            {
                IntPtr id = arguments.String("ext_id", extId);
                uint limit = arguments.Milliseconds("timeout_ms", timeout);
                arguments.Check();
                var clock = System.Diagnostics.Stopwatch.StartNew();
                while (true)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    long left = limit == Library.Forever ? PieceMs : limit - clock.ElapsedMilliseconds;
                    uint piece = (uint)Math.Max(0, Math.Min(left, PieceMs));
                    LifePayResult result = Ask((ref NativeResult native) =>
                        Library.Loaded.OutboxWait(handle, id, piece, ref native), isOutcome: true);
                    if (!result.IsPending || left <= PieceMs && limit != Library.Forever)
                        return result;
                }
            }
        }

        /// <summary>
        /// Ждёт ответа LifePay на запрос в своём потоке, сколько потребуется. Отказ LifePay - тоже ответ, а
        /// не исключение; исключение из него делает <see cref="LifePayResult.EnsureAccepted"/>.
        /// </summary>
        /// <param name="extId">ExtId запроса.</param>
        /// <param name="cancellationToken">Прерывает ожидание; запрос остаётся в очереди.</param>
        /// <returns>Запрос с ответом.</returns>
        /// <exception cref="LifePayException">Такого запроса нет, или очередь закрыта, в том числе тем временем.</exception>
        /// <exception cref="OperationCanceledException">Ожидание прервано.</exception>
        public Task<LifePayResult> WaitAsync(
            string extId, CancellationToken cancellationToken = default(CancellationToken))
        {
            return WaitAsync(extId, Timeout.InfiniteTimeSpan, cancellationToken);
        }

        /// <summary>Ждёт ответа LifePay на запрос в своём потоке, но не дольше, чем сказано.</summary>
        /// <param name="extId">ExtId запроса.</param>
        /// <param name="timeout">Сколько ждать.</param>
        /// <param name="cancellationToken">Прерывает ожидание; запрос остаётся в очереди.</param>
        /// <returns>Запрос: IsPending, если ответа ещё нет.</returns>
        /// <exception cref="LifePayException">Такого запроса нет, или очередь закрыта, в том числе тем временем.</exception>
        /// <exception cref="OperationCanceledException">Ожидание прервано.</exception>
        public Task<LifePayResult> WaitAsync(
            string extId, TimeSpan timeout, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Blocking.Run(() => Wait(extId, timeout, cancellationToken));
        }

        /// <summary>Все запросы, в том порядке, в котором они записаны: снимок на момент вызова.</summary>
        public IReadOnlyList<OutboxEntry> Entries()
        {
            var entries = new List<OutboxEntry>();
            Exception thrown = null;
            EntryCallback callback = (address, userData) =>
            {
                thrown = Call.Caught(() => entries.Add(new OutboxEntry(address)));
                return thrown == null ? 0 : 1;
            };
            int code = Library.Loaded.OutboxEach(handle, callback, IntPtr.Zero);
            GC.KeepAlive(callback);
            if (thrown != null)
                throw new InvalidOperationException(thrown.Message, thrown);
            Call.Check(code);
            return entries;
        }

        /// <summary>Сколько запросов ждёт отправки или ответа.</summary>
        public int Pending
        {
            get
            {
                uint count;
                Call.Check(Library.Loaded.OutboxPending(handle, out count));
                return (int)count;
            }
        }

        /// <summary>Отправляет запрос сразу, не дожидаясь расписания, и возобновляет отклонённый.</summary>
        /// <exception cref="LifePayException">
        /// Такого запроса нет, или его состояние этого не позволяет: тогда Message и Outcome описывают его.
        /// </exception>
        public void RetryNow(string extId)
        {
            OfEntry(Library.Loaded.OutboxRetryNow, extId, "Повторить его сейчас нельзя.");
        }

        /// <summary>Отправляет сразу все запросы, которые ждут или отклонены и срок которых не истёк.</summary>
        public void RetryAllNow()
        {
            Call.Check(Library.Loaded.OutboxRetryNow(handle, IntPtr.Zero));
        }

        /// <summary>
        /// Прекращает повторы. Попытка, которая идёт, прерывается в течение секунды; если ответ всё же
        /// придёт, действует он.
        /// </summary>
        /// <returns>
        /// Запрос: Code - Cancelled или ответ, который был или успел прийти; Outcome говорит, есть ли запрос
        /// у LifePay.
        /// </returns>
        /// <exception cref="LifePayException">Такого запроса нет, или очередь закрыта.</exception>
        public LifePayResult Cancel(string extId)
        {
            using (var arguments = new Arguments())
            {
                IntPtr id = arguments.String("ext_id", extId);
                arguments.Check();
                return Ask((ref NativeResult native) => Library.Loaded.OutboxCancel(handle, id, ref native));
            }
        }

        /// <summary>Удаляет завершённый запрос. Через KeepDays дней они удаляются сами.</summary>
        /// <exception cref="LifePayException">
        /// Такого запроса нет, или он ещё ждёт: тогда Message и Outcome описывают его.
        /// </exception>
        public void Forget(string extId)
        {
            OfEntry(Library.Loaded.OutboxForget, extId, "Он не удалён: сначала отмените его.");
        }

        /// <summary>
        /// Закрывает файл; это занимает не больше секунды. Что ждёт, остаётся в нём и отправится, когда он
        /// снова будет открыт. Второй вызов ничего не делает; остальные вызовы закрытой очереди дают
        /// <see cref="LifePayException"/> с кодом <see cref="LifePayCode.Closed"/>.
        /// </summary>
        public void Dispose()
        {
            lock (Opened)
                Opened.Remove(handle);
            Library.Loaded.OutboxClose(handle);
        }

        internal static void CloseAll()
        {
            IntPtr[] all;
            lock (Opened)
            {
                all = new IntPtr[Opened.Count];
                Opened.CopyTo(all);
            }
            foreach (IntPtr opened in all)
                Library.Loaded.OutboxClose(opened);
        }

        // Makes a call whose result describes an entry.
        LifePayResult Ask(Call.Function function, bool isOutcome = false)
        {
            int code;
            LifePayResult result = Call.Make(function, out code);
            // lp_outbox_wait returns the entry's code. These codes mean that the call itself
            // failed.
            bool hasFailed = !isOutcome
                ? code != LifePayCode.Ok
                : code == LifePayCode.NotFound || code == LifePayCode.Closed || code == LifePayCode.Argument
                    || code == LifePayCode.Outbox || code == LifePayCode.Internal;
            if (hasFailed)
                throw new LifePayException(result);
            return result;
        }

        void OfEntry(OfEntry function, string extId, string why)
        {
            using (var arguments = new Arguments())
            {
                IntPtr id = arguments.String("ext_id", extId);
                if (string.IsNullOrEmpty(extId))
                    arguments.Refuse("ext_id", "обязательное поле не задано");
                arguments.Check();
                int code = function(handle, id);
                if (code == LifePayCode.Ok)
                    return;
                // The call returns only a code. Wait describes the entry for the message, or
                // throws.
                LifePayResult entry = Wait(extId, TimeSpan.Zero);
                throw new LifePayException(entry.Refusing(code, why));
            }
        }
    }

    /// <summary>Запрос в очереди.</summary>
    public sealed class OutboxEntry
    {
        const uint PendingFlag = 1, SendingFlag = 2, ForeignFlag = 4;

        internal OutboxEntry(IntPtr address)
        {
            var native = (NativeEntry)Marshal.PtrToStructure(address, typeof(NativeEntry));
            Code = native.Code;
            Outcome = (LifePayOutcome)native.Outcome;
            IsPending = (native.Flags & PendingFlag) != 0;
            IsSending = (native.Flags & SendingFlag) != 0;
            IsForeign = (native.Flags & ForeignFlag) != 0;
            Attempts = (int)native.Attempts;
            HttpStatus = native.HttpStatus;
            SubmittedAt = Time(native.SubmittedAt) ?? DateTimeOffset.MinValue;
            NextAttemptAt = Time(native.NextAttemptAt);
            AnsweredAt = Time(native.AnsweredAt);
            ExpiresAt = Time(native.ExpiresAt);
            ExtId = Utf8.Text(native.ExtId);
            Login = Utf8.Text(native.Login);
            TargetSerial = Utf8.Text(native.TargetSerial);
            BaseUrl = Utf8.Text(native.BaseUrl);
            Uuid = Utf8.Text(native.Uuid);
            Message = Utf8.Text(native.Message);
            Path = Utf8.Text(native.Path);
        }

        /// <summary>Pending или ответ: Ok, код LifePay, Cancelled, Expired; см. <see cref="LifePayCode"/>.</summary>
        public int Code { get; private set; }

        /// <summary>Есть ли запрос у LifePay, по всем попыткам, в том числе до перезапуска.</summary>
        public LifePayOutcome Outcome { get; private set; }

        /// <summary>Ждёт ответа; иначе завершён.</summary>
        public bool IsPending { get; private set; }

        /// <summary>Сейчас идёт попытка.</summary>
        public bool IsSending { get; private set; }

        /// <summary>Записан для другого BaseUrl, и эта очередь его не отправляет.</summary>
        public bool IsForeign { get; private set; }

        /// <summary>Сколько попыток начато.</summary>
        public int Attempts { get; private set; }

        /// <summary>Статус HTTP последней попытки; 0 - ответа не было.</summary>
        public int HttpStatus { get; private set; }

        /// <summary>Когда записан.</summary>
        public DateTimeOffset SubmittedAt { get; private set; }

        /// <summary>Когда следующая попытка; null - её не будет.</summary>
        public DateTimeOffset? NextAttemptAt { get; private set; }

        /// <summary>Когда завершён; null - ещё нет.</summary>
        public DateTimeOffset? AnsweredAt { get; private set; }

        /// <summary>После какого времени больше не повторяется; null - повторяется всегда.</summary>
        public DateTimeOffset? ExpiresAt { get; private set; }

        /// <summary>ExtId запроса.</summary>
        public string ExtId { get; private set; }

        /// <summary>Логин, с которым он отправляется.</summary>
        public string Login { get; private set; }

        /// <summary>Заводской номер кассы; null, если не задан.</summary>
        public string TargetSerial { get; private set; }

        /// <summary>BaseUrl, для которого он записан.</summary>
        public string BaseUrl { get; private set; }

        /// <summary>uuid документа от LifePay; null, если его нет.</summary>
        public string Uuid { get; private set; }

        /// <summary>По-русски, для человека у кассы.</summary>
        public string Message { get; private set; }

        /// <summary>
        /// Какой это документ: /cloud-print/create-session - открытие смены. null: такие документы знает
        /// только более новая версия библиотеки.
        /// </summary>
        public string Path { get; private set; }

        /// <summary>ExtId, имя кода и сообщение.</summary>
        public override string ToString()
        {
            return ExtId + " " + LifePayClient.CodeName(Code) + ": " + Message;
        }

        static DateTimeOffset? Time(long unixMilliseconds)
        {
            if (unixMilliseconds == 0)
                return null;
            // A damaged file may contain times that DateTimeOffset cannot represent.
            long first = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
            long last = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
            return DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(first, Math.Min(last, unixMilliseconds)));
        }
    }
}

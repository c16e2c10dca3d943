using System;

namespace LifePay
{
    /// <summary>
    /// Запрос и то, как его отправить. <c>null</c>, пустая строка и 0 везде значат «не задано».
    /// </summary>
    public sealed class LifePayRequest
    {
        /// <summary>Обязательно. Ключ API организации в LifePay. Его нет ни в журнале, ни в сообщениях.</summary>
        public string ApiKey { get; set; }

        /// <summary>
        /// Обязательно. Логин администратора организации или магазина в LifePay, как правило телефон
        /// 7xxxxxxxxxx. Если это логин магазина со своей кассой, документ печатается на ней.
        /// </summary>
        public string Login { get; set; }

        /// <summary>
        /// true - тестовый режим: ничего не фискализируется, и LifePay не возвращает uuid (это известно
        /// для открытия смены и Z-отчёта).
        /// </summary>
        public bool Test { get; set; }

        /// <summary>Имя кассира.</summary>
        public string CashierName { get; set; }

        /// <summary>ИНН кассира.</summary>
        public string CashierInn { get; set; }

        /// <summary>Заводской номер кассы. Для смены не обязателен: LifePay возьмёт одну из активных касс.</summary>
        public string TargetSerial { get; set; }

        /// <summary>
        /// Ваш собственный идентификатор запроса, до 50 символов. Второй смены с тем же ExtId LifePay не
        /// откроет, поэтому с ним безопасно повторять: сохраните его до отправки. Если не задан, для смены
        /// создаётся UUID; его возвращает <see cref="LifePayResult.ExtId"/>. О других документах см.
        /// <see cref="LifePayClient.Send"/>.
        /// </summary>
        public string ExtId { get; set; }

        /// <summary>URL, на который LifePay сообщит, что стало с документом; до 255 символов.</summary>
        public string CallbackUrl { get; set; }

        /// <summary>Строка, которую LifePay вернёт на CallbackUrl.</summary>
        public string CallbackData { get; set; }

        /// <summary>Вместо CallbackData: текст объекта или массива JSON, который уйдёт как есть.</summary>
        public string CallbackDataJson { get; set; }

        /// <summary>
        /// По умолчанию https://sapi.life-pay.ru. http без TLS допускается только на этот компьютер, для
        /// lifepay-sandbox.
        /// </summary>
        public string BaseUrl { get; set; }

        /// <summary>
        /// http://user:password@host:port. По умолчанию - прокси из переменных окружения и, в Windows, из
        /// настроек системы; "none" - без прокси.
        /// </summary>
        public string Proxy { get; set; }

        /// <summary>Файл PEM с корневыми сертификатами, которым доверять, кроме тех, что в Trust.</summary>
        public string CaFile { get; set; }

        /// <summary>Чьим сертификатам доверять.</summary>
        public LifePayTrust Trust { get; set; }

        /// <summary>Время одной попытки на поиск адреса, соединение, прокси и TLS. По умолчанию 10 с.</summary>
        public TimeSpan? ConnectTimeout { get; set; }

        /// <summary>Время одной попытки целиком. По умолчанию 30 с.</summary>
        public TimeSpan? Timeout { get; set; }

        /// <summary>
        /// Сколько времени повторять попытки, пока LifePay не ответит; не задано - одна попытка,
        /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> - без ограничения. В очереди не действует.
        /// </summary>
        public TimeSpan? RetryFor { get; set; }

        /// <summary>
        /// Паузы между попытками, последняя повторяется. По умолчанию - по расписанию LifePay: 1, 3 и 5
        /// минут, затем каждые 10.
        /// </summary>
        public TimeSpan[] RetryDelays { get; set; }

        /// <summary>
        /// Только для очереди: через сколько времени больше не повторять запрос. По умолчанию 12 часов,
        /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> - повторять всегда.
        /// </summary>
        public TimeSpan? ExpiresAfter { get; set; }

        /// <summary>Только для очереди: сколько запросов отправлять одновременно. По умолчанию 4.</summary>
        public int Concurrency { get; set; }

        /// <summary>Только для очереди: сколько дней хранить завершённые запросы. По умолчанию 30.</summary>
        public int KeepDays { get; set; }

        /// <summary>
        /// Какой это документ: его путь после BaseUrl, например /cloud-print/create-z-report. Нужен для
        /// <see cref="LifePayClient.Send"/>; в очереди без него открывается смена.
        /// </summary>
        public string Path { get; set; }

        /// <summary>
        /// Собственные поля документа: текст объекта JSON. Они уходят как есть, после заданных выше. Какие
        /// они бывают, сказано на странице LifePay об этом документе.
        /// </summary>
        public string DocumentJson { get; set; }

        internal LifePayRequest Clone()
        {
            var clone = (LifePayRequest)MemberwiseClone();
            if (RetryDelays != null)
                clone.RetryDelays = (TimeSpan[])RetryDelays.Clone();
            return clone;
        }
    }
}

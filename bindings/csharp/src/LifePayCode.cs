namespace LifePay
{
    /// <summary>
    /// Коды результата. Положительные - коды самого LifePay, отрицательные - коды библиотеки. Будьте
    /// готовы и к таким, которых здесь нет: поэтому это числа, а не перечисление.
    /// </summary>
    public static class LifePayCode
    {
        /// <summary>LifePay принял документ. Это ещё не значит, что смена открыта или чек напечатан.</summary>
        public const int Ok = 0;

        /// <summary>LifePay: «Ошибка данных». Какое поле и почему, сказано в Errors.</summary>
        public const int DataError = 400;

        /// <summary>LifePay: «Внутренняя ошибка сервера». За причиной LifePay просит обратиться в его поддержку.</summary>
        public const int ServerError = 500;

        /// <summary>LifePay: «Неверный формат данных».</summary>
        public const int FormatError = 6000;

        /// <summary>LifePay: «Не удалось найти пользователя по login».</summary>
        public const int LoginUnknown = 6009;

        /// <summary>LifePay: «Не удалось найти пользователя по login и apikey».</summary>
        public const int CredentialsUnknown = 6010;

        /// <summary>LifePay: «Облачная фискализация запрещена».</summary>
        public const int FiscalizationForbidden = 6080;

        /// <summary>LifePay: «Доступ запрещен».</summary>
        public const int AccessDenied = 6095;

        /// <summary>Запрос в очереди, ответа ещё нет.</summary>
        public const int Pending = -1;

        /// <summary>Ошибка в вызове или настройках; Errors называет каждое поле. Этот вызов ничего не отправил.</summary>
        public const int Argument = -2;

        /// <summary>Нет соединения, или оно прервалось. Повторите с тем же ExtId.</summary>
        public const int Network = -3;

        /// <summary>Вышло время. Повторите с тем же ExtId.</summary>
        public const int Timeout = -4;

        /// <summary>
        /// Нет доверенного соединения TLS; по нему ничего не отправлено. Что не так с сертификатом, сказано
        /// в Message; часто дело в дате на этом компьютере. Исправьте и повторите с тем же ExtId.
        /// </summary>
        public const int Tls = -5;

        /// <summary>Статус HTTP - не 200, см. HttpStatus. Повторите с тем же ExtId.</summary>
        public const int Http = -6;

        /// <summary>Ответил не LifePay: страница входа в сеть, прокси, половина ответа. Повторите с тем же ExtId.</summary>
        public const int Reply = -7;

        /// <summary>Вызов прерван, или запрос в очереди отменён. Есть ли он у LifePay, сказано в Outcome.</summary>
        public const int Cancelled = -8;

        /// <summary>Файлом очереди нельзя воспользоваться; что делать, сказано в Message.</summary>
        public const int Outbox = -9;

        /// <summary>Такого запроса в очереди нет.</summary>
        public const int NotFound = -10;

        /// <summary>Ошибка самой библиотеки. Сообщите о ней, приложив журнал. Повторите с тем же ExtId.</summary>
        public const int Internal = -11;

        /// <summary>Очередь закрыта.</summary>
        public const int Closed = -12;

        /// <summary>
        /// Запрос ждал в очереди дольше, чем ему позволено, и больше не повторяется. Если документ всё ещё
        /// нужен, а Outcome - NotSent, можно отправить его с любым ExtId; иначе только с тем же.
        /// </summary>
        public const int Expired = -13;
    }

    /// <summary>Есть ли запрос у LifePay: это должен знать кассир, который хочет открыть смену вручную.</summary>
    public enum LifePayOutcome
    {
        /// <summary>Вызов ничего об этом не говорит.</summary>
        None = 0,

        /// <summary>Ни в одной попытке ни один байт запроса не ушёл с этого компьютера.</summary>
        NotSent = 1,

        /// <summary>
        /// Запрос может быть у LifePay. Повторяйте только с тем же ExtId: второй смены LifePay не откроет.
        /// О других документах см. <see cref="LifePayClient.Send"/>.
        /// </summary>
        Unknown = 2,

        /// <summary>LifePay ответил.</summary>
        Answered = 3,
    }

    /// <summary>Чьим сертификатам доверять. Отключить проверку нельзя.</summary>
    public enum LifePayTrust
    {
        /// <summary>Корням Mozilla, которые встроены в библиотеку, и корням системы.</summary>
        Default = 0,

        /// <summary>Только корням Mozilla.</summary>
        Bundled = 1,

        /// <summary>Только корням системы.</summary>
        System = 2,
    }

    /// <summary>На каком шаге вызов.</summary>
    public enum LifePayPhase
    {
        /// <summary>Поиск адреса, соединение, прокси и TLS.</summary>
        Connect = 1,

        /// <summary>Запрос отправлен, ответ ожидается.</summary>
        Exchange = 2,

        /// <summary>Попытка не удалась; почему, говорят Code и HttpStatus.</summary>
        Failed = 3,

        /// <summary>Пауза перед следующей попыткой.</summary>
        Pause = 4,
    }

    /// <summary>Насколько подробен журнал.</summary>
    public enum LifePayLogLevel
    {
        /// <summary>Без журнала.</summary>
        Off = 0,

        /// <summary>LifePay отклонил запрос, или поймана ошибка самой библиотеки.</summary>
        Error = 1,

        /// <summary>Неудачные попытки и вызовы с неверными параметрами.</summary>
        Warn = 2,

        /// <summary>Удачные попытки.</summary>
        Info = 3,

        /// <summary>Что решает библиотека.</summary>
        Debug = 4,

        /// <summary>Тела запросов и ответов; apikey в них скрыт.</summary>
        Trace = 5,
    }
}

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace LifePay
{
    /// <summary>Поле запроса и что с ним не так.</summary>
    [Serializable]
    public sealed class FieldError
    {
        internal FieldError(string field, string message)
        {
            Field = field;
            Message = message;
        }

        /// <summary>Имя поля, как на странице LifePay; пусто, если LifePay его не назвал.</summary>
        public string Field { get; private set; }

        /// <summary>Что не так.</summary>
        public string Message { get; private set; }

        /// <summary>Поле и что с ним не так.</summary>
        public override string ToString()
        {
            return Field + ": " + Message;
        }
    }

    /// <summary>Что вышло из вызова, или что известно о запросе в очереди.</summary>
    [Serializable]
    public sealed class LifePayResult
    {
        static readonly FieldError[] NoErrors = new FieldError[0];

        LifePayResult()
        {
            Errors = NoErrors;
        }

        internal LifePayResult(NativeResult native, int returned)
        {
            // A call about an entry returns Ok, and its result describes the entry.
            Code = returned != LifePayCode.Ok ? returned : native.Code;
            Outcome = (LifePayOutcome)native.Outcome;
            HttpStatus = native.HttpStatus;
            Attempts = (int)native.Attempts;
            RetryAfter = TimeSpan.FromMilliseconds(native.RetryAfterMs);
            Uuid = Utf8.Text(native.Uuid);
            ExtId = Utf8.Text(native.ExtId);
            Message = Utf8.Text(native.Message) ?? LifePayClient.CodeText(Code);
            Detail = Utf8.Text(native.Detail);
            Reply = Utf8.Text(native.Reply);
            Errors = ErrorsOf(native);
        }

        /// <summary>0, код LifePay (положительный) или код библиотеки (отрицательный): <see cref="LifePayCode"/>.</summary>
        public int Code { get; private set; }

        /// <summary>Имя кода для журнала, например LP_ERR_TIMEOUT.</summary>
        public string CodeName
        {
            get { return LifePayClient.CodeName(Code); }
        }

        /// <summary>LifePay принял документ. Это ещё не значит, что смена открыта.</summary>
        public bool IsAccepted
        {
            get { return Code == LifePayCode.Ok; }
        }

        /// <summary>Запрос в очереди, ответа ещё нет.</summary>
        public bool IsPending
        {
            get { return Code == LifePayCode.Pending; }
        }

        /// <summary>Есть ли запрос у LifePay, по всем попыткам.</summary>
        public LifePayOutcome Outcome { get; private set; }

        /// <summary>Статус HTTP последней попытки; 0 - ответа не было.</summary>
        public int HttpStatus { get; private set; }

        /// <summary>Сколько попыток сделано.</summary>
        public int Attempts { get; private set; }

        /// <summary>Через сколько времени повторить, если это имеет смысл и безопасно; иначе 0.</summary>
        public TimeSpan RetryAfter { get; private set; }

        /// <summary>uuid документа от LifePay; null в тестовом режиме, и если документ не принят.</summary>
        public string Uuid { get; private set; }

        /// <summary>
        /// ExtId, который отправлен, заданный или созданный: повторяйте с ним. null, если параметры неверны
        /// или документ отправлялся без него.
        /// </summary>
        public string ExtId { get; private set; }

        /// <summary>По-русски, для человека у кассы: что случилось и что делать.</summary>
        public string Message { get; private set; }

        /// <summary>Технические подробности для журнала; может быть null.</summary>
        public string Detail { get; private set; }

        /// <summary>Тело ответа для обращения в поддержку, apikey в нём скрыт; null, если ответа не было.</summary>
        public string Reply { get; private set; }

        /// <summary>Какие поля неверны и почему.</summary>
        public IReadOnlyList<FieldError> Errors { get; private set; }

        /// <summary>Возвращает этот же результат, если документ принят.</summary>
        /// <exception cref="LifePayException">Документ не принят, или ответа ещё нет.</exception>
        public LifePayResult EnsureAccepted()
        {
            if (!IsAccepted)
                throw new LifePayException(this);
            return this;
        }

        /// <summary>Имя кода и сообщение.</summary>
        public override string ToString()
        {
            return CodeName + " (" + Code + "): " + Message;
        }

        // For the text of an exception, which already contains the message.
        internal string InShort()
        {
            return "  " + CodeName + " (" + Code + "), Outcome: " + Outcome + ", ExtId: " + (ExtId ?? "-");
        }

        internal static LifePayResult Refused(FieldError[] errors)
        {
            return new LifePayResult
            {
                Code = LifePayCode.Argument,
                Outcome = LifePayOutcome.NotSent,
                Message = LifePayClient.CodeText(LifePayCode.Argument) + " " + Listed(errors),
                Errors = errors,
            };
        }

        // Lists errors in the library's format.
        static string Listed(FieldError[] errors)
        {
            return string.Join("; ", Array.ConvertAll(errors, error => error.Field + " — " + error.Message)) + ".";
        }

        internal static LifePayResult NotSent(string extId)
        {
            return new LifePayResult
            {
                Code = LifePayCode.Cancelled,
                Outcome = LifePayOutcome.NotSent,
                ExtId = string.IsNullOrEmpty(extId) ? null : extId,
                Message = LifePayClient.CodeText(LifePayCode.Cancelled),
            };
        }

        internal static LifePayResult OfCode(int code)
        {
            return new LifePayResult { Code = code, Message = LifePayClient.CodeText(code) };
        }

        // Returns a copy of this entry that says why a call about it was refused.
        internal LifePayResult Refusing(int code, string why)
        {
            var copy = (LifePayResult)MemberwiseClone();
            copy.Code = code;
            copy.Message += " " + why;
            return copy;
        }

        static FieldError[] ErrorsOf(NativeResult native)
        {
            if (native.ErrorCount == 0)
                return NoErrors;
            var errors = new FieldError[native.ErrorCount];
            int size = Marshal.SizeOf(typeof(NativeFieldError));
            for (int i = 0; i < errors.Length; i++)
            {
                IntPtr address = new IntPtr(native.Errors.ToInt64() + i * size);
                var error = (NativeFieldError)Marshal.PtrToStructure(address, typeof(NativeFieldError));
                errors[i] = new FieldError(Utf8.Text(error.Field), Utf8.Text(error.Message));
            }
            return errors;
        }
    }
}

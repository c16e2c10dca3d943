using System;
using System.Collections.Generic;
using System.Threading;

namespace LifePay
{
    /// <summary>
    /// Документ не принят, или вызов не удался. <see cref="Exception.Message"/> - по-русски, для кассира.
    /// </summary>
    public sealed class LifePayException : Exception
    {
        internal LifePayException(LifePayResult result, Exception inner = null)
            : base(result.Message, inner)
        {
            Result = result;
        }

        /// <summary>Всё, что вышло из вызова.</summary>
        public LifePayResult Result { get; private set; }

        /// <summary>Код LifePay (положительный) или библиотеки (отрицательный): <see cref="LifePayCode"/>.</summary>
        public int Code
        {
            get { return Result.Code; }
        }

        /// <summary>Имя кода для журнала, например LP_ERR_TIMEOUT.</summary>
        public string CodeName
        {
            get { return Result.CodeName; }
        }

        /// <summary>Есть ли запрос у LifePay. Новый ExtId безопасен, только если это NotSent.</summary>
        public LifePayOutcome Outcome
        {
            get { return Result.Outcome; }
        }

        /// <summary>Какие поля неверны и почему.</summary>
        public IReadOnlyList<FieldError> Errors
        {
            get { return Result.Errors; }
        }

        /// <summary>ExtId, который отправлен: повторяйте с ним.</summary>
        public string ExtId
        {
            get { return Result.ExtId; }
        }

        /// <summary>Через сколько времени повторить, если это имеет смысл и безопасно; иначе 0.</summary>
        public TimeSpan RetryAfter
        {
            get { return Result.RetryAfter; }
        }
    }

    /// <summary>
    /// Вызов прерван через CancellationToken. Запрос при этом мог уйти: есть ли он у LifePay, говорит
    /// <see cref="Outcome"/>.
    /// </summary>
    public sealed class LifePayCanceledException : OperationCanceledException
    {
        internal LifePayCanceledException(LifePayResult result, CancellationToken token)
            : base(result.Message, token)
        {
            Result = result;
        }

        /// <summary>Всё, что вышло из вызова.</summary>
        public LifePayResult Result { get; private set; }

        /// <summary>Есть ли запрос у LifePay. Новый ExtId безопасен, только если это NotSent.</summary>
        public LifePayOutcome Outcome
        {
            get { return Result.Outcome; }
        }

        /// <summary>ExtId, который отправлен: повторяйте с ним.</summary>
        public string ExtId
        {
            get { return Result.ExtId; }
        }
    }
}

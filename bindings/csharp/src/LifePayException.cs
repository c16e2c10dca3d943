using System;
using System.Collections.Generic;
using System.Runtime.Serialization;
using System.Threading;

namespace LifePay
{
    /// <summary>
    /// Документ не принят, или вызов не удался. <see cref="Exception.Message"/> - по-русски, для кассира.
    /// </summary>
    [Serializable]
    public sealed class LifePayException : Exception
    {
        internal LifePayException(LifePayResult result, Exception inner = null)
            : base(result.Message, inner)
        {
            Result = result;
        }

        LifePayException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
            Result = (LifePayResult)info.GetValue("Result", typeof(LifePayResult));
        }

        /// <summary>Для передачи между доменами приложений.</summary>
        public override void GetObjectData(SerializationInfo info, StreamingContext context)
        {
            base.GetObjectData(info, context);
            info.AddValue("Result", Result);
        }

        /// <summary>Исключение, как обычно, и с ним код, Outcome и ExtId: для журнала программы.</summary>
        public override string ToString()
        {
            return base.ToString() + Environment.NewLine + Result.InShort();
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
    [Serializable]
    public sealed class LifePayCanceledException : OperationCanceledException
    {
        internal LifePayCanceledException(LifePayResult result, CancellationToken token)
            : base(result.Message, token)
        {
            Result = result;
        }

        LifePayCanceledException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
            Result = (LifePayResult)info.GetValue("Result", typeof(LifePayResult));
        }

        /// <summary>Для передачи между доменами приложений.</summary>
        public override void GetObjectData(SerializationInfo info, StreamingContext context)
        {
            base.GetObjectData(info, context);
            info.AddValue("Result", Result);
        }

        /// <summary>Исключение, как обычно, и с ним код, Outcome и ExtId: для журнала программы.</summary>
        public override string ToString()
        {
            return base.ToString() + Environment.NewLine + Result.InShort();
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

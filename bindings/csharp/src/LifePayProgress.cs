using System;
using System.Runtime.InteropServices;

namespace LifePay
{
    /// <summary>Ход вызова: сообщается после каждой неудачной попытки и около пяти раз в секунду.</summary>
    public sealed class LifePayProgress
    {
        internal LifePayProgress(IntPtr address)
        {
            var native = (NativeProgress)Marshal.PtrToStructure(address, typeof(NativeProgress));
            Phase = (LifePayPhase)native.Phase;
            Attempts = (int)native.Attempts;
            Code = native.Code;
            HttpStatus = native.HttpStatus;
            Elapsed = TimeSpan.FromMilliseconds(native.ElapsedMs);
            NextAttempt = TimeSpan.FromMilliseconds(native.NextAttemptMs);
        }

        /// <summary>Чем занят вызов.</summary>
        public LifePayPhase Phase { get; private set; }

        /// <summary>Сколько попыток начато.</summary>
        public int Attempts { get; private set; }

        /// <summary>Почему не удалась последняя попытка: <see cref="LifePayCode"/>; до этого Pending.</summary>
        public int Code { get; private set; }

        /// <summary>Статус HTTP последней неудачной попытки; 0 - ответа не было.</summary>
        public int HttpStatus { get; private set; }

        /// <summary>Сколько времени прошло с начала вызова.</summary>
        public TimeSpan Elapsed { get; private set; }

        /// <summary>
        /// Сколько времени до следующей попытки, когда Phase - Failed или Pause. 0 при Failed: попытка была
        /// последней.
        /// </summary>
        public TimeSpan NextAttempt { get; private set; }
    }
}

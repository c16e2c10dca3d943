using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

namespace LifePay
{
    // Converts the arguments of one call into unmanaged memory, which the garbage collector does
    // not move. Arguments that cannot be passed to the library are refused here; the errors have
    // the same form as the library's.
    internal sealed class Arguments : IDisposable
    {
        readonly List<IntPtr> blocks = new List<IntPtr>();
        readonly List<FieldError> errors = new List<FieldError>();

        public NativeConfig Config(LifePayRequest request)
        {
            NativeConfig config;
            Library.Loaded.ConfigInit(out config, (uint)Marshal.SizeOf(typeof(NativeConfig)));
            config.Test = request.Test ? 1 : 0;
            config.Apikey = String("apikey", request.ApiKey);
            config.Login = String("login", request.Login);
            config.CashierName = String("cashier_name", request.CashierName);
            config.CashierInn = String("cashier_inn", request.CashierInn);
            config.TargetSerial = String("target_serial", request.TargetSerial);
            config.ExtId = String("ext_id", request.ExtId);
            config.CallbackUrl = String("callback_url", request.CallbackUrl);
            config.CallbackData = String("callback_data", request.CallbackData);
            config.CallbackDataJson = String("callback_data_json", request.CallbackDataJson);
            config.BaseUrl = String("base_url", request.BaseUrl);
            config.Proxy = String("proxy", request.Proxy);
            config.CaFile = String("ca_file", request.CaFile);
            config.Trust = (int)request.Trust;
            config.ConnectTimeoutMs = Milliseconds("connect_timeout_ms", request.ConnectTimeout);
            config.TimeoutMs = Milliseconds("timeout_ms", request.Timeout);
            config.RetryForMs = Milliseconds("retry_for_ms", request.RetryFor);
            config.ExpiresAfterMs = Milliseconds("expires_after_ms", request.ExpiresAfter);
            config.Concurrency = Count("concurrency", request.Concurrency);
            config.KeepDays = Count("keep_days", request.KeepDays);
            config.Path = String("path", request.Path);
            config.DocumentJson = String("document_json", request.DocumentJson);
            if (request.RetryDelays != null && request.RetryDelays.Length > 0)
            {
                var delays = new int[request.RetryDelays.Length];
                for (int i = 0; i < delays.Length; i++)
                    delays[i] = unchecked((int)Milliseconds("retry_delays_ms", request.RetryDelays[i]));
                config.RetryDelaysMs = Block(delays.Length * sizeof(int));
                Marshal.Copy(delays, 0, config.RetryDelaysMs, delays.Length);
                config.RetryDelayCount = (uint)delays.Length;
            }
            return config;
        }

        // Returns a copy that is valid until Dispose; zero for null and "", which mean "not given".
        public IntPtr String(string field, string text)
        {
            if (string.IsNullOrEmpty(text))
                return IntPtr.Zero;
            if (text.IndexOf('\0') >= 0)
            {
                // The library would silently ignore the rest.
                Refuse(field, "содержит символ с кодом 0");
                return IntPtr.Zero;
            }
            byte[] bytes;
            try
            {
                bytes = Utf8.Bytes(text);
            }
            catch (EncoderFallbackException)
            {
                Refuse(field, "содержит половину суррогатной пары: это не текст Unicode");
                return IntPtr.Zero;
            }
            IntPtr block = Block(bytes.Length);
            Marshal.Copy(bytes, 0, block, bytes.Length);
            return block;
        }

        public uint Milliseconds(string field, TimeSpan? span)
        {
            if (span == null)
                return 0;
            if (span.Value == Timeout.InfiniteTimeSpan)
                return Library.Forever;
            double milliseconds = Math.Ceiling(span.Value.TotalMilliseconds);
            if (milliseconds < 0 || milliseconds >= Library.Forever)
            {
                Refuse(field, "от 0 до 49 дней или Timeout.InfiniteTimeSpan");
                return 0;
            }
            return (uint)milliseconds;
        }

        // Throws if an argument was refused.
        public void Check()
        {
            if (errors.Count > 0)
                throw new LifePayException(LifePayResult.Refused(errors.ToArray()));
        }

        public void Dispose()
        {
            foreach (IntPtr block in blocks)
                Marshal.FreeHGlobal(block);
            blocks.Clear();
        }

        uint Count(string field, int count)
        {
            if (count < 0)
                Refuse(field, "не меньше 0");
            return (uint)Math.Max(count, 0);
        }

        public void Refuse(string field, string why)
        {
            errors.Add(new FieldError(field, why));
        }

        IntPtr Block(int size)
        {
            IntPtr block = Marshal.AllocHGlobal(size);
            blocks.Add(block);
            return block;
        }
    }
}

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace LifePay
{
    // Converts strings from and to those of the C interface.
    internal static class Utf8
    {
        static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);
        static readonly UTF8Encoding Lenient = new UTF8Encoding(false, false);

        // Returns a NUL-terminated string.
        public static byte[] Bytes(string text)
        {
            var bytes = new byte[Strict.GetByteCount(text) + 1];
            Strict.GetBytes(text, 0, text.Length, bytes, 0);
            return bytes;
        }

        // Returns the string at an address; null for address 0.
        public static string Text(IntPtr address)
        {
            if (address == IntPtr.Zero)
                return null;
            int length = 0;
            while (Marshal.ReadByte(address, length) != 0)
                length++;
            var bytes = new byte[length];
            Marshal.Copy(address, bytes, 0, length);
            return Lenient.GetString(bytes);
        }
    }
}

// Loads the library by its name alone, like a program that has only the header, and prints its
// version.
using System;
using System.Runtime.InteropServices;

internal static class ByName
{
    [DllImport("lifepay", CallingConvention = CallingConvention.Cdecl)]
    static extern IntPtr lp_version();

    static void Main()
    {
        Console.WriteLine(Marshal.PtrToStringAnsi(lp_version()));
    }
}

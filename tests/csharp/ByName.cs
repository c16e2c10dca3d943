// Loads the library by its name alone, as a program does that has the header only, and prints its version.
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

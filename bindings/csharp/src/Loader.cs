using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace LifePay
{
    // Finds the shared library and loads it.
    internal static class Loader
    {
        const string Variable = "LIFEPAY_LIBRARY";
        const uint WithItsFolder = 8; // LOAD_WITH_ALTERED_SEARCH_PATH
        const int Now = 2; // RTLD_NOW

        static readonly bool IsWindows = Path.DirectorySeparatorChar == '\\';

        internal sealed class Module
        {
            readonly IntPtr handle;

            public Module(string path, IntPtr handle)
            {
                Path = path;
                this.handle = handle;
            }

            public string Path { get; private set; }

            public T Function<T>(string name)
            {
                IntPtr address = IsWindows ? GetProcAddress(handle, name) : dlsym(handle, name);
                if (address == IntPtr.Zero)
                {
                    throw new EntryPointNotFoundException(
                        Path + ": нет функции " + name + ". Это другая библиотека или слишком старая версия.");
                }
                return (T)(object)Marshal.GetDelegateForFunctionPointer(address, typeof(T));
            }
        }

        public static Module Open()
        {
            var failures = new StringBuilder();
            string named = Environment.GetEnvironmentVariable(Variable);
            bool isNamed = !string.IsNullOrWhiteSpace(named);
            // If the variable is set, no other place is tried.
            IEnumerable<string> places = isNamed ? new[] { Path.GetFullPath(named) } : Places();
            foreach (string place in places)
            {
                string reason;
                IntPtr handle = Load(place, out reason);
                if (handle != IntPtr.Zero)
                    return new Module(place, handle);
                if (reason != null)
                    failures.Append(Environment.NewLine).Append("  ").Append(reason);
            }
            if (isNamed && failures.Length == 0)
                failures.Append(Environment.NewLine).Append("  ").Append(places.First() + ": нет такого файла");
            string where = isNamed
                ? "Переменная " + Variable + " указывает на " + named + "."
                : "Положите " + FileNames[0] + " рядом с LifePay.dll или укажите путь в переменной " + Variable
                    + ". Искали в папках " + string.Join(", ", Folders()) + " и в их папках "
                    + string.Join(", ", Subfolders()) + ", затем там, где ищет система.";
            throw new DllNotFoundException(
                "Библиотека lifepay не найдена. Нужна " + IntPtr.Size * 8 + "-битная. " + where + failures);
        }

        // A package cannot contain the symbolic link liblifepay.so; it has the library itself under
        // that name.
        static readonly string[] FileNames = IsWindows
            ? new[] { "lifepay.dll" }
            : new[] { "liblifepay.so.0", "liblifepay.so" };

        // In each folder, the subfolders where packages put the library for each processor come
        // first, then the folder itself. The system's search comes last. A library for another
        // processor does not load, and the next place is tried.
        static IEnumerable<string> Places()
        {
            foreach (string folder in Folders())
            {
                foreach (string name in FileNames)
                {
                    foreach (string subfolder in Subfolders())
                        yield return Path.Combine(folder, subfolder, name);
                    yield return Path.Combine(folder, name);
                }
            }
            foreach (string name in FileNames)
                yield return name;
        }

        static IEnumerable<string> Subfolders()
        {
            string system = IsWindows ? "win-" : "linux-";
            foreach (string machine in IntPtr.Size == 8 ? new[] { "x64", "arm64" } : new[] { "x86" })
            {
                yield return Path.Combine("runtimes", system + machine, "native");
                yield return machine;
            }
        }

        static IEnumerable<string> Folders()
        {
            var folders = new List<string>();
            // Empty if the assembly was loaded from memory.
            string assembly = typeof(Loader).GetTypeInfo().Assembly.Location;
            if (!string.IsNullOrEmpty(assembly))
                folders.Add(Path.GetDirectoryName(assembly));
            AppDomain domain = AppDomain.CurrentDomain;
            folders.Add(domain.BaseDirectory);
            // The bin folder of an ASP.NET application, which runs copies of the assemblies in it.
            if (domain.BaseDirectory != null && domain.RelativeSearchPath != null)
            {
                foreach (string part in domain.RelativeSearchPath.Split(Path.PathSeparator))
                    folders.Add(Path.Combine(domain.BaseDirectory, part));
            }
            // Where .NET found the native files of the program's packages.
            var native = domain.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string;
            if (native != null)
                folders.AddRange(native.Split(new[] { Path.PathSeparator }, StringSplitOptions.RemoveEmptyEntries));
            var seen = new HashSet<string>();
            foreach (string folder in folders)
            {
                if (string.IsNullOrEmpty(folder))
                    continue;
                string path = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar);
                if (seen.Add(path))
                    yield return path;
            }
        }

        // `reason` says why an existing file cannot be loaded; null: there is no such file.
        static IntPtr Load(string path, out string reason)
        {
            bool isName = Path.GetFileName(path) == path;
            reason = null;
            if (!isName && !File.Exists(path))
                return IntPtr.Zero;
            IntPtr handle;
            if (IsWindows)
            {
                handle = LoadLibraryExW(path, IntPtr.Zero, isName ? 0 : WithItsFolder);
                int error = Marshal.GetLastWin32Error();
                if (handle == IntPtr.Zero)
                    reason = path + ": ошибка Windows " + error + Meaning(error);
            }
            else
            {
                // The runtime looks up dlerror at its first call. After dlopen that would overwrite
                // the error.
                dlerror();
                handle = dlopen(Utf8.Bytes(path), Now);
                if (handle == IntPtr.Zero)
                    reason = Utf8.Text(dlerror()) ?? path;
            }
            return handle;
        }

        static string Meaning(int error)
        {
            switch (error)
            {
                case 126:
                    return " (файл не найден)";
                case 193:
                    return " (файл повреждён или другой разрядности)";
                default:
                    return "";
            }
        }

        [DllImport("kernel32", CharSet = CharSet.Unicode, SetLastError = true, ExactSpelling = true)]
        static extern IntPtr LoadLibraryExW(string path, IntPtr file, uint flags);

        [DllImport("kernel32", CharSet = CharSet.Ansi, ExactSpelling = true, BestFitMapping = false)]
        static extern IntPtr GetProcAddress(IntPtr module, string name);

        [DllImport("libdl.so.2")]
        static extern IntPtr dlopen(byte[] path, int flags);

        [DllImport("libdl.so.2", CharSet = CharSet.Ansi, BestFitMapping = false)]
        static extern IntPtr dlsym(IntPtr handle, string name);

        [DllImport("libdl.so.2")]
        static extern IntPtr dlerror();
    }
}

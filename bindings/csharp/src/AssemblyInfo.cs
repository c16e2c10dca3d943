using System.Reflection;
using System.Runtime.InteropServices;

[assembly: AssemblyTitle("LifePay")]
[assembly: AssemblyDescription("Opens a cash-register shift through LifePay's cloud fiscalisation")]
[assembly: AssemblyVersion("0.1.0.0")]
[assembly: AssemblyFileVersion("0.1.0.0")]
[assembly: AssemblyInformationalVersion("0.1.0")]
[assembly: ComVisible(false)]

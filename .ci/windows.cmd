@echo off
rem Checks the MSVC build: unit tests, the header under cl, an example with the import library.
rem Needs Rust for *-pc-windows-msvc and the C++ tools of Visual Studio. MinGW and Wine: .ci/run.
setlocal
cd /d "%~dp0.."

cargo build --locked -p lifepay -p lifepay-sandbox || exit /b 1
cargo test --locked -p lifepay -p lifepay-sandbox --lib || exit /b 1

set "PATH=%PATH%;%ProgramFiles(x86)%\Microsoft Visual Studio\Installer"
set "studio="
for /f "usebackq delims=" %%i in (`vswhere -latest -products * -property installationPath`) do set "studio=%%i"
if not defined studio echo No Visual Studio found.& exit /b 1
call "%studio%\VC\Auxiliary\Build\vcvars64.bat" || exit /b 1

cl /nologo /W4 /WX /Zs /Iinclude tests\c\twice.c tests\c\layout.c || exit /b 1
cl /nologo /W4 /WX /Zs /TP /Iinclude tests\c\twice.c tests\c\layout.c || exit /b 1
cl /nologo /utf-8 /Iinclude /Fo:target\ /Fe:target\debug\open_shift.exe examples-c\open_shift.c ^
    target\debug\lifepay.dll.lib shell32.lib || exit /b 1
target\debug\open_shift.exe --help || exit /b 1

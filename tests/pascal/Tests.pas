// Runs all tests: Tests SANDBOX_URL SILENT_URL FOLDER
program Tests;

uses
  cthreads, cwstring, SysUtils, LifePay, Checks, ShiftTests, StringTests, OutboxTests, LogTests;

begin
  if ParamCount <> 3 then
  begin
    WriteLn(ErrOutput, 'Tests SANDBOX_URL SILENT_URL FOLDER');
    Halt(2);
  end;
  SandboxUrl := ParamStr(1);
  SilentUrl := ParamStr(2);
  Folder := IncludeTrailingPathDelimiter(ParamStr(3));
  try
    RunShiftTests;
    RunStringTests;
    RunOutboxTests;
    RunLogTests;
  except
    on Error: Exception do
      Fail('raised ' + string(Error.ClassName) + ': ' + string(Error.Message));
  end;
end.

// Runs all tests: Tests SANDBOX_URL SILENT_URL TAKER_URL FOLDER
program Tests;

uses
  cthreads, cwstring, SysUtils, LifePay, Checks, ShiftTests, DocumentTests, StringTests,
  OutboxTests, LogTests;

begin
  if ParamCount <> 4 then
  begin
    WriteLn(ErrOutput, 'Tests SANDBOX_URL SILENT_URL TAKER_URL FOLDER');
    Halt(2);
  end;
  SandboxUrl := ParamStr(1);
  SilentUrl := ParamStr(2);
  TakerUrl := ParamStr(3);
  Folder := IncludeTrailingPathDelimiter(ParamStr(4));
  try
    RunShiftTests;
    RunDocumentTests;
    RunStringTests;
    RunOutboxTests;
    RunLogTests;
  except
    on Error: Exception do
      Fail('raised ' + string(Error.ClassName) + ': ' + string(Error.Message));
  end;
end.

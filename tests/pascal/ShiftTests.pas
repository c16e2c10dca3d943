// Opening a shift: arguments and results, errors, progress.
unit ShiftTests;

interface

procedure RunShiftTests;

implementation

uses
  SysUtils, LifePay, Checks;

type
  // Handlers, and the arguments of their calls.
  TWatcher = class
    Calls: Integer;
    Last: TLifePayProgress;
    Sender: TObject;
    procedure Watch(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
    procedure StopAtOnce(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
    procedure Throw(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
    procedure GiveUp(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
    procedure OpenAnother(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
  end;

procedure TWatcher.Watch(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
begin
  Inc(Calls);
  Last := Progress;
  Self.Sender := Sender;
  Check(not Stop, 'Stop begins as False');
end;

procedure TWatcher.StopAtOnce(Sender: TObject; const Progress: TLifePayProgress;
  var Stop: Boolean);
begin
  Watch(Sender, Progress, Stop);
  Stop := True;
end;

procedure TWatcher.Throw(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
begin
  Watch(Sender, Progress, Stop);
  raise ETest.Create('from the handler');
end;

procedure TWatcher.GiveUp(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
begin
  Abort;
end;

procedure TWatcher.OpenAnother(Sender: TObject; const Progress: TLifePayProgress;
  var Stop: Boolean);
var
  Another: TLifePay;
begin
  Another := Request('pascal-from-a-handler');
  try
    Check(Another.OpenShift <> '', 'a call from a handler has a uuid');
  finally
    Another.Free;
  end;
  Stop := True;
end;

procedure EveryFieldArrives;
var
  Shift: TLifePay;
  Delays: TLifePayDelays;
begin
  Test('EveryFieldArrives');
  SetLength(Delays, 2);
  Delays[0] := 100;
  Delays[1] := 200;
  Shift := Request('pascal-every-field');
  try
    Shift.CashierName := 'Ivanova';
    Shift.CashierInn := '500100732259';
    Shift.TargetSerial := '00106304012797';
    Shift.CallbackUrl := 'https://example.com/callback';
    Shift.CallbackDataJson := '{"till": 1}';
    Shift.ConnectTimeoutMs := 5000;
    Shift.TimeoutMs := 10000;
    Shift.RetryForMs := 60000;
    Shift.RetryDelaysMs := Delays;
    Shift.Trust := LP_TRUST_BUNDLED;
    CheckEqual(Length(Shift.OpenShift), 36, 'the uuid''s length');
    CheckEqual(Shift.Last.Code, LP_OK, 'Last.Code');
    CheckEqual(Shift.Last.Outcome, LP_OUTCOME_ANSWERED, 'Last.Outcome');
    CheckEqual(Shift.Last.HttpStatus, 200, 'Last.HttpStatus');
    CheckEqual(Shift.Last.Attempts, 1, 'Last.Attempts');
    CheckEqual(Shift.Last.RetryAfterMs, 0, 'Last.RetryAfterMs');
    CheckEqual(Shift.Last.ExtId, 'pascal-every-field', 'Last.ExtId');
    Check(Pos(Shift.Last.Uuid, Shift.Last.Reply) > 0, 'the reply has the uuid');
    Check(Shift.Last.Message <> '', 'there is a message');
    CheckEqual(Length(Shift.Last.Errors), 0, 'Last.Errors');
  finally
    Shift.Free;
  end;
end;

procedure CallbackDataIsAString;
var
  Shift: TLifePay;
begin
  Test('CallbackDataIsAString');
  Shift := Request('pascal-callback-data');
  try
    Shift.CallbackUrl := 'https://example.com/callback';
    Shift.CallbackData := 'till 1';
    Shift.OpenShift;
  finally
    Shift.Free;
  end;
end;

procedure TestModeHasNoUuidAndAnExtIdIsMade;
var
  Shift: TLifePay;
begin
  Test('TestModeHasNoUuidAndAnExtIdIsMade');
  Shift := Request('');
  try
    Shift.Test := True;
    CheckEqual(Shift.OpenShift, '', 'the uuid');
    CheckEqual(Length(Shift.Last.ExtId), 36, 'the ext_id''s length');
  finally
    Shift.Free;
  end;
end;

procedure TheSameExtIdGivesTheSameDocument;
var
  Shift: TLifePay;
begin
  Test('TheSameExtIdGivesTheSameDocument');
  Shift := Request(LifePayNewExtId);
  try
    CheckEqual(Length(Shift.ExtId), 36, 'the ext_id''s length');
    CheckEqual(Shift.OpenShift, Shift.OpenShift, 'the uuid');
  finally
    Shift.Free;
  end;
end;

procedure ARejectionHasCodeAndFieldErrors;
var
  Shift: TLifePay;
  Answer: TLifePayResult;
begin
  Test('ARejectionHasCodeAndFieldErrors');
  Shift := Request('pascal-rejected');
  try
    Shift.Login := '70000000400';
    try
      Shift.OpenShift;
      Fail('nothing was raised');
    except
      on Error: ELifePay do
      begin
        CheckEqual(Error.Code, LP_DATA_ERROR, 'Code');
        CheckEqual(Error.CodeName, 'LP_DATA_ERROR', 'CodeName');
        CheckEqual(Error.Outcome, LP_OUTCOME_ANSWERED, 'Outcome');
        CheckEqual(Error.HttpStatus, 200, 'HttpStatus');
        CheckEqual(Error.Attempts, 1, 'Attempts');
        CheckEqual(Error.ExtId, 'pascal-rejected', 'ExtId');
        CheckEqual(Length(Error.Errors), 1, 'the number of errors');
        Check(Error.Errors[0].Field <> '', 'the error has a field');
        CheckEqual(Error.ErrorOf(Error.Errors[0].Field), Error.Errors[0].Message, 'ErrorOf');
        CheckEqual(Error.ErrorOf('login'), '', 'ErrorOf a field without an error');
        Check(Pos(Error.Errors[0].Message, string(Error.Message)) > 0, 'the message names it');
        Check(Error.Reply <> '', 'there is a reply');
        CheckEqual(Shift.Last.Code, LP_DATA_ERROR, 'Last.Code');
      end;
    end;
    CheckEqual(Shift.TryOpenShift(Answer), LP_DATA_ERROR, 'TryOpenShift');
    CheckEqual(Length(Answer.Errors), 1, 'the number of errors');
  finally
    Shift.Free;
  end;
end;

procedure AnUnknownCodeIsPassedOn;
var
  Shift: TLifePay;
begin
  Test('AnUnknownCodeIsPassedOn');
  Shift := Request('pascal-7777');
  try
    Shift.Login := '70000007777';
    Refused(Shift, 7777);
    CheckEqual(LifePayCodeName(7777), 'UNKNOWN', 'its name');
  finally
    Shift.Free;
  end;
end;

procedure WrongArgumentsAreNamedAllAtOnce;
var
  Shift: TLifePay;
  Answer: TLifePayResult;
  Names: string;
  Place: Integer;
begin
  Test('WrongArgumentsAreNamedAllAtOnce');
  Shift := TLifePay.Create;
  try
    Shift.BaseUrl := SandboxUrl;
    // A C string would end at the #0, and LifePay would receive half of it.
    Shift.ExtId := 'cut'#0'short';
    Shift.CashierName := 'I'#0;
    Shift.Trust := 77;
    Answer := Refused(Shift, LP_ERR_ARGUMENT);
    CheckEqual(Answer.Outcome, LP_OUTCOME_NOT_SENT, 'Outcome');
    CheckEqual(Answer.ExtId, '', 'ExtId');
    Names := '';
    for Place := 0 to High(Answer.Errors) do
      Names := Names + Answer.Errors[Place].Field + ' ';
    Check(Pos('apikey ', Names) > 0, 'apikey is in ' + Names);
    Check(Pos('login ', Names) > 0, 'login is in ' + Names);
    Check(Pos('ext_id ', Names) > 0, 'ext_id is in ' + Names);
    Check(Pos('cashier_name ', Names) > 0, 'cashier_name is in ' + Names);
    Check(Pos('trust ', Names) > 0, 'trust is in ' + Names);
    Shift.CaFile := Folder + 'none.pem';
    Shift.Proxy := 'socks5://127.0.0.1';
    Answer := Refused(Shift, LP_ERR_ARGUMENT);
    Names := '';
    for Place := 0 to High(Answer.Errors) do
      Names := Names + Answer.Errors[Place].Field + ' ';
    Check(Pos('ca_file ', Names) > 0, 'ca_file is in ' + Names);
    Check(Pos('proxy ', Names) > 0, 'proxy is in ' + Names);
  finally
    Shift.Free;
  end;
end;

procedure ATimeLimitLeavesTheOutcomeUnknown;
var
  Shift: TLifePay;
  Answer: TLifePayResult;
begin
  Test('ATimeLimitLeavesTheOutcomeUnknown');
  Shift := Request('pascal-timeout');
  try
    Shift.BaseUrl := SilentUrl;
    Shift.TimeoutMs := 300;
    Answer := Refused(Shift, LP_ERR_TIMEOUT);
    CheckEqual(Answer.Outcome, LP_OUTCOME_UNKNOWN, 'Outcome');
    CheckEqual(Answer.HttpStatus, 0, 'HttpStatus');
    Check(Answer.RetryAfterMs > 0, 'it may be retried');
    Check(Answer.Detail <> '', 'there is a detail');
  finally
    Shift.Free;
  end;
end;

procedure RepeatsAreCountedAndShown;
var
  Shift: TLifePay;
  Watcher: TWatcher;
  Delays: TLifePayDelays;
begin
  Test('RepeatsAreCountedAndShown');
  SetLength(Delays, 1);
  Delays[0] := 100;
  Watcher := TWatcher.Create;
  Shift := Request('pascal-repeats');
  try
    Shift.TargetSerial := '00000000000503';
    Shift.RetryForMs := LP_FOREVER;
    Shift.RetryDelaysMs := Delays;
    Shift.OnProgress := Watcher.Watch;
    Check(Shift.OpenShift <> '', 'there is a uuid');
    CheckEqual(Shift.Last.Attempts, 2, 'Attempts');
    Check(Watcher.Calls > 0, 'the handler was called');
    Check(Watcher.Sender = Shift, 'Sender is the request');
    CheckEqual(Watcher.Last.HttpStatus, 503, 'Progress.HttpStatus');
    CheckEqual(Watcher.Last.Code, LP_ERR_HTTP, 'Progress.Code');
    Check(Watcher.Last.Attempts in [1, 2], 'Progress.Attempts');
    Check(Watcher.Last.Phase in [LP_PHASE_CONNECT..LP_PHASE_PAUSE], 'Progress.Phase');
  finally
    Shift.Free;
    Watcher.Free;
  end;
end;

procedure AHandlerStopsTheCall;
var
  Shift: TLifePay;
  Watcher: TWatcher;
  Answer: TLifePayResult;
begin
  Test('AHandlerStopsTheCall');
  Watcher := TWatcher.Create;
  Shift := Request('pascal-stopped');
  try
    Shift.BaseUrl := SilentUrl;
    Shift.OnProgress := Watcher.StopAtOnce;
    CheckEqual(Shift.TryOpenShift(Answer), LP_ERR_CANCELLED, 'the code');
    CheckEqual(Watcher.Calls, 1, 'calls');
    CheckEqual(Watcher.Last.Code, LP_PENDING, 'Progress.Code');
  finally
    Shift.Free;
    Watcher.Free;
  end;
end;

procedure AnExceptionInAHandlerIsRaisedAgainAfterTheCall;
var
  Shift: TLifePay;
  Watcher: TWatcher;
  Answer: TLifePayResult;
  Raised: string;
begin
  Test('AnExceptionInAHandlerIsRaisedAgainAfterTheCall');
  Raised := '';
  Watcher := TWatcher.Create;
  Shift := Request('pascal-exception');
  try
    Shift.BaseUrl := SilentUrl;
    Shift.OnProgress := Watcher.Throw;
    try
      Shift.OpenShift;
    except
      on Error: ETest do
        Raised := string(Error.Message);
    end;
    CheckEqual(Raised, 'from the handler', 'the message');
    CheckEqual(Watcher.Calls, 1, 'calls');
    CheckEqual(Shift.Last.Code, LP_ERR_CANCELLED, 'Last.Code');

    Raised := '';
    try
      Shift.TryOpenShift(Answer);
    except
      on Error: ETest do
        Raised := string(Error.Message);
    end;
    CheckEqual(Raised, 'from the handler', 'the message');

    Raised := '';
    Shift.OnProgress := Watcher.GiveUp;
    try
      Shift.OpenShift;
    except
      on EAbort do
        Raised := 'EAbort';
    end;
    CheckEqual(Raised, 'EAbort', 'what was raised');
  finally
    Shift.Free;
    Watcher.Free;
  end;
end;

procedure AHandlerMayCallTheLibrary;
var
  Shift: TLifePay;
  Watcher: TWatcher;
  Answer: TLifePayResult;
begin
  Test('AHandlerMayCallTheLibrary');
  Watcher := TWatcher.Create;
  Shift := Request('pascal-with-another-inside');
  try
    Shift.BaseUrl := SilentUrl;
    Shift.OnProgress := Watcher.OpenAnother;
    CheckEqual(Shift.TryOpenShift(Answer), LP_ERR_CANCELLED, 'the code');
  finally
    Shift.Free;
    Watcher.Free;
  end;
end;

procedure JsonIsTheSameCall;
var
  Answer: string;
  Code: Integer;
begin
  Test('JsonIsTheSameCall');
  Code := LifePayOpenShiftJson('{"apikey": "s3cr3t-apikey", "login": "79031234567", ' +
    '"proxy": "none", "base_url": "' + SandboxUrl + '"}', Answer);
  CheckEqual(Code, LP_OK, Answer);
  Check(Pos('"uuid"', Answer) > 0, Answer);
  CheckEqual(LifePayOpenShiftJson('{', Answer), LP_ERR_ARGUMENT, Answer);
  Check(Pos('"message"', Answer) > 0, Answer);
end;

procedure VersionsAndNamesAreTheLibrarys;
begin
  Test('VersionsAndNamesAreTheLibrarys');
  Check(LifePayLoaded, 'the library is loaded');
  CheckEqual(LifePayVersion, Format('%d.%d.%d',
    [LP_VERSION_MAJOR, LP_VERSION_MINOR, LP_VERSION_PATCH]), 'the version');
  CheckEqual(LifePayCodeName(LP_ERR_EXPIRED), 'LP_ERR_EXPIRED', 'the name');
  Check(LifePayCodeText(LP_ERR_EXPIRED) <> '', 'there is a text');
  Check(IsMultiThread, 'IsMultiThread is set');
end;

procedure TimesAreLocal;
var
  There: TDateTime;
begin
  Test('TimesAreLocal');
  Check(LifePayLocalTime(0) = 0, '0 is no time');
  There := EncodeDate(2026, 11, 24) + EncodeTime(9, 30, 0, 0) - GetLocalTimeOffset / (24 * 60);
  CheckEqual(Round((LifePayLocalTime(1795512600000) - There) * 86400), 0, 'seconds apart');
end;

// Returns the number of memory pages that this process has.
function Pages: Integer;
var
  Status: Text;
  Size: Integer;
begin
  Assign(Status, '/proc/self/statm');
  Reset(Status);
  ReadLn(Status, Size, Result);
  Close(Status);
end;

// A leak checker would not notice: results that are not released stay in the library's table.
procedure ResultsAndStringsAreReleased;
const
  CALLS = 1000;
  // A result with all these errors takes more than a kilobyte, its JSON more than half of one.
  MOST_PAGES = CALLS * 400 div 4096;
var
  Shift: TLifePay;
  Answer: TLifePayResult;
  Json: string;
  Round, Before: Integer;
begin
  Test('ResultsAndStringsAreReleased');
  Shift := TLifePay.Create;
  try
    Shift.ExtId := StringOfChar('x', 51);
    Shift.Proxy := 'socks5://127.0.0.1';
    Shift.BaseUrl := 'ftp://127.0.0.1';
    Shift.Trust := 77;
    Before := 0;
    for Round := 1 to 2 * CALLS do
    begin
      CheckEqual(Shift.TryOpenShift(Answer), LP_ERR_ARGUMENT, 'the code');
      CheckEqual(LifePayOpenShiftJson('{}', Json), LP_ERR_ARGUMENT, 'the code');
      CheckEqual(Shift.TrySendDocument('', '', Answer), LP_ERR_ARGUMENT, 'the code');
      CheckEqual(LifePaySendJson('{}', Json), LP_ERR_ARGUMENT, 'the code');
      if Round = CALLS then
        Before := Pages;
    end;
    Check(Pages - Before < MOST_PAGES, IntToStr(Pages - Before) + ' pages were leaked');
  finally
    Shift.Free;
  end;
end;

procedure RunShiftTests;
begin
  EveryFieldArrives;
  CallbackDataIsAString;
  TestModeHasNoUuidAndAnExtIdIsMade;
  TheSameExtIdGivesTheSameDocument;
  ARejectionHasCodeAndFieldErrors;
  AnUnknownCodeIsPassedOn;
  WrongArgumentsAreNamedAllAtOnce;
  ATimeLimitLeavesTheOutcomeUnknown;
  RepeatsAreCountedAndShown;
  AHandlerStopsTheCall;
  AnExceptionInAHandlerIsRaisedAgainAfterTheCall;
  AHandlerMayCallTheLibrary;
  JsonIsTheSameCall;
  VersionsAndNamesAreTheLibrarys;
  TimesAreLocal;
{$IFNDEF VALGRIND}
  // valgrind keeps released memory for a while.
  ResultsAndStringsAreReleased;
{$ENDIF}
end;

end.

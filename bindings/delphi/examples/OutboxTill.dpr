{
  A till that loses no shift: the request is on disk before it is sent, and is retried until LifePay
  answers, even after a crash or a power cut.

      LIFEPAY_APIKEY=... OutboxTill shifts.db 79031234567 00106304012797-2026-11-24-1

  Kill it at any moment and start it again with the same arguments: it sends the pending request,
  and LifePay makes one document. A till with a user interface does not wait: it submits, and calls
  Wait(ExtId, 0) from a timer.

  Optional arguments: the base_url (http://127.0.0.1:8080 is the sandbox), and how many seconds to
  wait; default 60.

  Exit status: 0 accepted, 1 rejected by LifePay, cancelled or expired, 2 wrong arguments, 3 the
  outbox cannot be used, 4 no outcome yet.
}
program OutboxTill;

{$IFDEF FPC}
  {$IFDEF UNICODE}{$MODE DELPHIUNICODE}{$ELSE}{$MODE DELPHI}{$ENDIF}
{$ENDIF}
{$IFDEF MSWINDOWS}{$APPTYPE CONSOLE}{$ENDIF}

uses
{$IFDEF FPC}
  {$IFDEF UNIX}
  cthreads, cwstring,
  {$ENDIF}
{$ENDIF}
{$IFDEF MSWINDOWS}
  Windows,
{$ENDIF}
  SysUtils,
  LifePay;

const
  ACCEPTED = 0;
  REJECTED = 1;
  WRONG_ARGUMENTS = 2;
  CANNOT_BE_USED = 3;
  NO_OUTCOME = 4;

function State(const Entry: TLifePayEntry): string;
begin
  if Entry.Foreign then
    Result := 'of another base_url'
  else if Entry.Pending then
    Result := 'waits, next attempt ' + DateTimeToStr(Entry.NextAttemptAt)
  else
    Result := LifePayCodeName(Entry.Code);
end;

procedure Show(Outbox: TLifePayOutbox);
var
  Entries: TLifePayEntries;
  Place: Integer;
begin
  Entries := Outbox.Entries;
  for Place := 0 to High(Entries) do
    WriteLn('entry: ', Entries[Place].ExtId, ' of ', DateTimeToStr(Entries[Place].SubmittedAt),
      ', ', Entries[Place].Attempts, ' attempts, ', State(Entries[Place]));
  WriteLn('pending: ', Outbox.Pending);
end;

function Report(const Answer: TLifePayResult): Integer;
begin
  WriteLn('ext_id: ', Answer.ExtId);
  WriteLn('code: ', LifePayCodeName(Answer.Code), ' (', Answer.Code, ')');
  WriteLn('message: ', Answer.Message);
  case Answer.Code of
    LP_OK:
      begin
        WriteLn('uuid: ', Answer.Uuid);
        Result := ACCEPTED;
      end;
    LP_PENDING: Result := NO_OUTCOME;
  else
    Result := REJECTED;
  end;
end;

procedure Run(Settings: TLifePay);
var
  Outbox: TLifePayOutbox;
  Answer: TLifePayResult;
  Seconds: Integer;
begin
  Settings.ApiKey := GetEnvironmentVariable('LIFEPAY_APIKEY');
  Settings.Login := ParamStr(2);
  Settings.ExtId := ParamStr(3);
  Settings.BaseUrl := ParamStr(4);
  Seconds := StrToIntDef(ParamStr(5), 60);
  Outbox := TLifePayOutbox.Create(ParamStr(1), Settings);
  try
    Show(Outbox);
    // An ext_id that is pending or accepted is not submitted a second time.
    Answer := Outbox.Submit(Settings);
    if Answer.Code = LP_PENDING then
      Answer := Outbox.Wait(Answer.ExtId, Seconds * 1000);
    ExitCode := Report(Answer);
    Show(Outbox);
  finally
    Outbox.Free;
  end;
end;

var
  Settings: TLifePay;

begin
{$IFDEF MSWINDOWS}
  {$IFNDEF FPC}
  // Delphi prints in the code page of Windows, which is not the console's by default.
  SetConsoleOutputCP(GetACP);
  {$IF CompilerVersion >= 23}
  SetTextCodePage(Output, GetACP);
  SetTextCodePage(ErrOutput, GetACP);
  {$IFEND}
  {$ENDIF}
{$ENDIF}
  if (ParamCount < 3) or (ParamCount > 5) then
  begin
    WriteLn(ErrOutput, 'OutboxTill FILE LOGIN EXT_ID [BASE_URL [SECONDS]]');
    ExitCode := WRONG_ARGUMENTS;
    Exit;
  end;
  Settings := TLifePay.Create;
  try
    try
      Run(Settings);
    except
      on Error: ELifePay do
      begin
        WriteLn(ErrOutput, 'OutboxTill: ', Error.CodeName, ': ', Error.Message);
        ExitCode := CANNOT_BE_USED;
      end;
    end;
  finally
    Settings.Free;
  end;
end.

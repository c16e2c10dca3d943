{
  Opens a cash-register shift and prints the result.

      LIFEPAY_APIKEY=... OpenShift --login 79031234567 --ext-id 00106304012797-2026-11-24-1

  OpenTheShift and Report are the part that a till needs; the rest reads the command line. Every
  option is a property of TLifePay.

  Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
}
program OpenShift;

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
  NOT_SENT = 3;
  UNKNOWN = 4;

{ --------------------------------------------------------------------------- opening a shift }

function ExitStatus(const Error: ELifePay): Integer;
begin
  if Error.Code = LP_ERR_ARGUMENT then
    Result := WRONG_ARGUMENTS
  else
    case Error.Outcome of
      LP_OUTCOME_ANSWERED: Result := REJECTED;
      LP_OUTCOME_NOT_SENT: Result := NOT_SENT;
    else
      // Also for values that a later library may add: "unknown" is the safe assumption.
      Result := UNKNOWN;
    end;
end;

function OutcomeInWords(Outcome: Integer): string;
begin
  case Outcome of
    LP_OUTCOME_ANSWERED: Result := 'LifePay has answered';
    LP_OUTCOME_NOT_SENT: Result := 'nothing was sent, LifePay does not have the request';
  else
    Result := 'unknown, LifePay may have the request: a report may still be printed';
  end;
end;

procedure Report(const Error: ELifePay);
var
  Place: Integer;
begin
  WriteLn(ErrOutput, 'not accepted: ', Error.CodeName, ' (', Error.Code, ')');
  WriteLn(ErrOutput, 'message: ', Error.Message);
  for Place := 0 to High(Error.Errors) do
    WriteLn(ErrOutput, 'field: ', Error.Errors[Place].Field, ': ', Error.Errors[Place].Message);
  WriteLn(ErrOutput, 'outcome: ', OutcomeInWords(Error.Outcome));
  if Error.HttpStatus <> 0 then
    WriteLn(ErrOutput, 'http_status: ', Error.HttpStatus);
  if Error.Detail <> '' then
    WriteLn(ErrOutput, 'detail: ', Error.Detail);
  if Error.RetryAfterMs > 0 then
    WriteLn(ErrOutput, 'retry: in ', (Error.RetryAfterMs + 999) div 1000,
      ' s, with the same ext_id');
  if Error.ExtId <> '' then
    WriteLn(ErrOutput, 'ext_id: ', Error.ExtId);
end;

procedure OpenTheShift(Shift: TLifePay);
var
  Uuid: string;
begin
  try
    Uuid := Shift.OpenShift;
    if Uuid = '' then
      Uuid := '(none: test mode)';
    WriteLn('uuid: ', Uuid);
    WriteLn('ext_id: ', Shift.Last.ExtId);
    WriteLn('message: ', Shift.Last.Message);
    WriteLn('Accepted is not yet open: the report that the cash register prints, or LifePay''s');
    WriteLn('personal account, shows whether the shift has opened.');
    ExitCode := ACCEPTED;
  except
    on Error: ELifePay do
    begin
      Report(Error);
      ExitCode := ExitStatus(Error);
    end;
  end;
end;

{ -------------------------------------------------------------------------- the command line }

type
  EWrongArgument = class(Exception);

procedure PrintHelp;
begin
  WriteLn('Opens a cash-register shift through LifePay.');
  WriteLn;
  WriteLn('Usage: OpenShift --login LOGIN [OPTIONS]');
  WriteLn;
  WriteLn('  --login LOGIN            of the company''s or the shop''s administrator');
  WriteLn('  --test                   test mode: nothing is fiscalised, and there is no uuid');
  WriteLn('  --cashier-name NAME');
  WriteLn('  --cashier-inn INN');
  WriteLn('  --target-serial SERIAL   number of the fiscal printer');
  WriteLn('  --ext-id ID              your own, at most 50 characters; default: a new UUID');
  WriteLn('  --callback-url URL');
  WriteLn('  --callback-data STRING');
  WriteLn('  --callback-data-json JSON');
  WriteLn('  --base-url URL           default: https://sapi.life-pay.ru');
  WriteLn('  --proxy URL              http://USER:PASSWORD@HOST:PORT, or none');
  WriteLn('  --ca-file FILE           in PEM, with more root certificates');
  WriteLn('  --connect-timeout-ms N   default: 10000');
  WriteLn('  --timeout-ms N           for one attempt; default: 30000');
  WriteLn('  --retry-for-ms N         how long to retry; default: one attempt');
  WriteLn('  --library FILE           default: ', LIFEPAY_LIBRARY, ' beside this program');
  WriteLn('  --help');
  WriteLn;
  WriteLn('The apikey is taken from the environment variable LIFEPAY_APIKEY.');
end;

function Number(const Option, Value: string): Cardinal;
var
  Read: Int64;
begin
  Read := StrToInt64Def(Value, -1);
  if (Read < 0) or (Read > LP_FOREVER) then
    raise EWrongArgument.Create(Option + ' cannot be ' + Value);
  Result := Cardinal(Read);
end;

procedure SetOption(Shift: TLifePay; const Option, Value: string);
begin
  if Option = '--login' then
    Shift.Login := Value
  else if Option = '--cashier-name' then
    Shift.CashierName := Value
  else if Option = '--cashier-inn' then
    Shift.CashierInn := Value
  else if Option = '--target-serial' then
    Shift.TargetSerial := Value
  else if Option = '--ext-id' then
    Shift.ExtId := Value
  else if Option = '--callback-url' then
    Shift.CallbackUrl := Value
  else if Option = '--callback-data' then
    Shift.CallbackData := Value
  else if Option = '--callback-data-json' then
    Shift.CallbackDataJson := Value
  else if Option = '--base-url' then
    Shift.BaseUrl := Value
  else if Option = '--proxy' then
    Shift.Proxy := Value
  else if Option = '--ca-file' then
    Shift.CaFile := Value
  else if Option = '--connect-timeout-ms' then
    Shift.ConnectTimeoutMs := Number(Option, Value)
  else if Option = '--timeout-ms' then
    Shift.TimeoutMs := Number(Option, Value)
  else if Option = '--retry-for-ms' then
    Shift.RetryForMs := Number(Option, Value)
  else if Option = '--library' then
    LifePayLoad(Value)
  else
    raise EWrongArgument.Create('unknown argument ' + Option + '; try --help');
end;

procedure ReadArguments(Shift: TLifePay);
var
  Place: Integer;
begin
  Shift.ApiKey := GetEnvironmentVariable('LIFEPAY_APIKEY');
  Place := 1;
  while Place <= ParamCount do
  begin
    if ParamStr(Place) = '--test' then
      Shift.Test := True
    else
    begin
      if Place = ParamCount then
        raise EWrongArgument.Create(ParamStr(Place) + ' needs a value; try --help');
      SetOption(Shift, ParamStr(Place), ParamStr(Place + 1));
      Inc(Place);
    end;
    Inc(Place);
  end;
end;

var
  Shift: TLifePay;

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
  if (ParamCount = 1) and (ParamStr(1) = '--help') then
  begin
    PrintHelp;
    Exit;
  end;
  Shift := TLifePay.Create;
  try
    try
      ReadArguments(Shift);
      OpenTheShift(Shift);
    except
      on Error: EWrongArgument do
      begin
        WriteLn(ErrOutput, 'OpenShift: ', Error.Message);
        ExitCode := WRONG_ARGUMENTS;
      end;
      on Error: ELifePayLibrary do
      begin
        WriteLn(ErrOutput, 'OpenShift: ', Error.Message);
        ExitCode := NOT_SENT;
      end;
    end;
  finally
    Shift.Free;
  end;
end.

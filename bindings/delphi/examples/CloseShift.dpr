{
  Closes a cash-register shift: sends a Z report and prints the result.

      LIFEPAY_APIKEY=... CloseShift 79031234567

  Optional arguments: the cashier's name, the serial number of the fiscal printer, and the base_url
  (http://127.0.0.1:8080 is the sandbox).

  The request has no ExtId, because it is not published whether LifePay recognises a repeated one
  here. So the library does not retry. After status 4, check in LifePay's personal account whether
  the report was made.

  Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
}
program CloseShift;

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
  Z_REPORT = '/cloud-print/create-z-report';

  ACCEPTED = 0;
  REJECTED = 1;
  WRONG_ARGUMENTS = 2;
  NOT_SENT = 3;
  UNKNOWN = 4;

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

procedure CloseTheShift(Till: TLifePay);
var
  Uuid: string;
begin
  try
    // All fields of the Z report are properties of TLifePay, so DocumentJson is not needed.
    Uuid := Till.SendDocument(Z_REPORT);
    if Uuid = '' then
      Uuid := '(none)';
    WriteLn('uuid: ', Uuid);
    WriteLn('message: ', Till.Last.Message);
    ExitCode := ACCEPTED;
  except
    on Error: ELifePay do
    begin
      WriteLn(ErrOutput, 'not accepted: ', Error.CodeName, ' (', Error.Code, ')');
      WriteLn(ErrOutput, 'message: ', Error.Message);
      ExitCode := ExitStatus(Error);
      if ExitCode = UNKNOWN then
        WriteLn(ErrOutput, 'LifePay may have the request: look at its personal account first');
    end;
  end;
end;

var
  Till: TLifePay;

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
  if (ParamCount < 1) or (ParamCount > 4) then
  begin
    WriteLn(ErrOutput, 'CloseShift LOGIN [CASHIER [SERIAL [BASE_URL]]]');
    ExitCode := WRONG_ARGUMENTS;
    Exit;
  end;
  Till := TLifePay.Create(GetEnvironmentVariable('LIFEPAY_APIKEY'), ParamStr(1));
  try
    Till.CashierName := ParamStr(2);
    Till.TargetSerial := ParamStr(3);
    Till.BaseUrl := ParamStr(4);
    CloseTheShift(Till);
  finally
    Till.Free;
  end;
end.

// Loads the library with LifePayTryLoad, from FILE or from the default place, and prints its
// version or the error: Load [FILE]
program Load;

uses
  cthreads, cwstring, SysUtils, LifePay, Checks;

procedure WithoutALibraryNothingIsSent;
var
  Shift: TLifePay;
  Outbox: TLifePayOutbox;
  Answer: TLifePayResult;
begin
  Test('WithoutALibraryNothingIsSent');
  Shift := Request('pascal-no-library');
  try
    CheckEqual(Shift.TryOpenShift(Answer), LP_ERR_INTERNAL, 'the code of TryOpenShift');
    CheckEqual(Answer.Outcome, LP_OUTCOME_NOT_SENT, 'Outcome');
    Check(Answer.Message <> '', 'there is a message');
    CheckEqual(Shift.Last.Code, LP_ERR_INTERNAL, 'Last.Code');
    CheckEqual(Shift.TrySendDocument('/a', '', Answer), LP_ERR_INTERNAL,
      'the code of TrySendDocument');
    CheckEqual(Answer.Outcome, LP_OUTCOME_NOT_SENT, 'Outcome');
    try
      Shift.OpenShift;
      Fail('nothing was raised');
    except
      on Error: ELifePayLibrary do
      begin
        CheckEqual(Error.CodeName, 'LP_ERR_INTERNAL', 'CodeName');
        CheckEqual(Error.Outcome, LP_OUTCOME_NOT_SENT, 'Outcome');
        CheckEqual(string(Error.Message), Answer.Message, 'the message');
      end;
    end;
    CheckEqual(TLifePayOutbox.TryOpen('shifts.db', Shift, Outbox, Answer), LP_ERR_INTERNAL,
      'the code of TryOpen');
    try
      Outbox := TLifePayOutbox.Create('shifts.db', Shift);
      Fail('nothing was raised');
    except
      on ELifePayLibrary do;
    end;
    try
      LifePayVersion;
      Fail('nothing was raised');
    except
      on ELifePayLibrary do;
    end;
  finally
    Shift.Free;
  end;
end;

var
  Error: string;

begin
  if LifePayTryLoad(ParamStr(1), Error) then
  begin
    CheckEqual(Error, '', 'Error');
    Check(LifePayLoaded, 'LifePayLoaded');
    // The second call does nothing.
    LifePayLoad('none');
    WriteLn(LifePayVersion);
    Halt(0);
  end;
  Check(not LifePayLoaded, 'not LifePayLoaded');
  WriteLn(Error);
  try
    LifePayLoad(ParamStr(1));
    Fail('nothing was raised');
  except
    on Raised: ELifePayLibrary do
      CheckEqual(Raised.Message, Error, 'the message');
  end;
  if ParamCount = 0 then
    WithoutALibraryNothingIsSent;
end.

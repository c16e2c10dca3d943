// The outbox: the life cycle of an entry, errors, closing, and exceptions in handlers.
unit OutboxTests;

interface

procedure RunOutboxTests;

implementation

uses
  Classes, SysUtils, LifePay, Checks;

const
  // No program listens on this port.
  NOBODY = 'http://127.0.0.1:1';

type
  TVisitor = class
    Seen: Integer;
    procedure StopAtOnce(Sender: TObject; const Entry: TLifePayEntry; var Stop: Boolean);
    procedure Throw(Sender: TObject; const Entry: TLifePayEntry; var Stop: Boolean);
  end;

  TWaiter = class(TThread)
  private
    FOutbox: TLifePayOutbox;
    FCode: Integer;
  protected
    procedure Execute; override;
  end;

procedure TVisitor.StopAtOnce(Sender: TObject; const Entry: TLifePayEntry; var Stop: Boolean);
begin
  Check(Sender is TLifePayOutbox, 'Sender is the outbox');
  Inc(Seen);
  Stop := True;
end;

procedure TVisitor.Throw(Sender: TObject; const Entry: TLifePayEntry; var Stop: Boolean);
begin
  Inc(Seen);
  raise ETest.Create('from the handler');
end;

procedure TWaiter.Execute;
var
  Answer: TLifePayResult;
begin
  FCode := FOutbox.TryWait('pascal-waits', LP_FOREVER, Answer);
end;

function Opened(const Name, BaseUrl: string): TLifePayOutbox;
var
  Settings: TLifePay;
begin
  Settings := Request('');
  try
    Settings.BaseUrl := BaseUrl;
    Settings.Concurrency := 2;
    Settings.KeepDays := 7;
    Result := TLifePayOutbox.Create(Folder + Name, Settings);
  finally
    Settings.Free;
  end;
end;

function Submitted(Outbox: TLifePayOutbox; const ExtId: string): TLifePayResult;
var
  Shift: TLifePay;
begin
  Shift := TLifePay.Create;
  try
    Shift.ExtId := ExtId;
    Shift.TargetSerial := '00106304012797';
    Shift.ExpiresAfterMs := 60 * 60 * 1000;
    Result := Outbox.Submit(Shift);
  finally
    Shift.Free;
  end;
end;

function CodeOfWait(Outbox: TLifePayOutbox; const ExtId: string): Integer;
begin
  try
    Outbox.Wait(ExtId, 0);
    Result := LP_OK;
    Fail('nothing was raised');
  except
    on Error: ELifePay do
      Result := Error.Code;
  end;
end;

procedure ARequestIsSubmittedAnsweredListedAndForgotten;
var
  Outbox: TLifePayOutbox;
  Answer: TLifePayResult;
  Entries: TLifePayEntries;
begin
  Test('ARequestIsSubmittedAnsweredListedAndForgotten');
  Outbox := Opened('cycle.db', SandboxUrl);
  try
    Answer := Submitted(Outbox, 'pascal-cycle');
    Check((Answer.Code = LP_PENDING) or (Answer.Code = LP_OK), 'the code of Submit');
    CheckEqual(Answer.ExtId, 'pascal-cycle', 'ExtId');
    Answer := Outbox.Wait('pascal-cycle', 20000);
    CheckEqual(Answer.Code, LP_OK, Answer.Message);
    CheckEqual(Length(Answer.Uuid), 36, 'the uuid''s length');
    CheckEqual(Outbox.Pending, 0, 'Pending');

    Entries := Outbox.Entries;
    CheckEqual(Length(Entries), 1, 'the number of entries');
    CheckEqual(Entries[0].Code, LP_OK, 'Entry.Code');
    CheckEqual(Entries[0].Outcome, LP_OUTCOME_ANSWERED, 'Entry.Outcome');
    Check(not Entries[0].Pending, 'it is not pending');
    Check(not Entries[0].Sending, 'it is not being sent');
    Check(not Entries[0].Foreign, 'it belongs to this base_url');
    CheckEqual(Entries[0].Attempts, 1, 'Entry.Attempts');
    CheckEqual(Entries[0].HttpStatus, 200, 'Entry.HttpStatus');
    Check(Abs(Entries[0].SubmittedAt - Now) < 1 / (24 * 60), 'it was submitted now');
    Check(Entries[0].AnsweredAt >= Entries[0].SubmittedAt, 'it was answered after that');
    CheckEqual(Round((Entries[0].ExpiresAt - Entries[0].SubmittedAt) * 24 * 60), 60,
      'minutes until it expires');
    Check(Entries[0].NextAttemptAt = 0, 'there is no next attempt');
    CheckEqual(Entries[0].ExtId, 'pascal-cycle', 'Entry.ExtId');
    CheckEqual(Entries[0].Login, '79031234567', 'Entry.Login');
    CheckEqual(Entries[0].TargetSerial, '00106304012797', 'Entry.TargetSerial');
    CheckEqual(Entries[0].BaseUrl, SandboxUrl, 'Entry.BaseUrl');
    CheckEqual(Entries[0].Path, '/cloud-print/create-session', 'Entry.Path');
    CheckEqual(Entries[0].Uuid, Answer.Uuid, 'Entry.Uuid');
    Check(Entries[0].Message <> '', 'there is a message');

    CheckEqual(Submitted(Outbox, 'pascal-cycle').Uuid, Answer.Uuid, 'the uuid of a second Submit');
    Outbox.Forget('pascal-cycle');
    CheckEqual(Length(Outbox.Entries), 0, 'the number of entries');
    CheckEqual(CodeOfWait(Outbox, 'pascal-cycle'), LP_ERR_NOT_FOUND, 'the code of Wait');
  finally
    Outbox.Free;
  end;
end;

procedure APendingEntryIsShownAndCanBeCancelled;
var
  Outbox: TLifePayOutbox;
  Answer: TLifePayResult;
  Entries: TLifePayEntries;
begin
  Test('APendingEntryIsShownAndCanBeCancelled');
  Outbox := Opened('waits.db', NOBODY);
  try
    Submitted(Outbox, 'pascal-waits');
    CheckEqual(Outbox.Wait('pascal-waits', 0).Code, LP_PENDING, 'the code of Wait');
    CheckEqual(Outbox.Pending, 1, 'Pending');
    Entries := Outbox.Entries;
    Check(Entries[0].Pending, 'it is pending');
    Check(Entries[0].AnsweredAt = 0, 'it is not answered');
    try
      Outbox.Forget('pascal-waits');
      Fail('nothing was raised');
    except
      on Error: ELifePay do
      begin
        CheckEqual(Error.Code, LP_ERR_ARGUMENT, 'the code of Forget');
        CheckEqual(Pos(LifePayCodeText(LP_PENDING), Error.Message), 1, 'it describes the state');
      end;
    end;
    Outbox.RetryNow('pascal-waits');
    Outbox.RetryNow;
    CheckEqual(Outbox.TryCancel('pascal-waits', Answer), LP_OK, 'TryCancel');
    CheckEqual(Answer.Code, LP_ERR_CANCELLED, 'the code of Cancel');
    CheckEqual(Answer.Outcome, LP_OUTCOME_NOT_SENT, 'the outcome of Cancel');
    CheckEqual(Outbox.Cancel('pascal-waits').Code, LP_ERR_CANCELLED, 'the code of Cancel');
    CheckEqual(Outbox.Wait('pascal-waits', 0).Code, LP_ERR_CANCELLED, 'the code of Wait');
    try
      Outbox.RetryNow('pascal-waits');
      Fail('nothing was raised');
    except
      on Error: ELifePay do
      begin
        CheckEqual(Error.Code, LP_ERR_ARGUMENT, 'the code of RetryNow');
        CheckEqual(Error.Message, Answer.Message, 'the message of RetryNow');
        CheckEqual(Error.Outcome, LP_OUTCOME_NOT_SENT, 'the outcome of RetryNow');
        CheckEqual(Error.ExtId, 'pascal-waits', 'the ext_id of RetryNow');
      end;
    end;
    try
      Outbox.Forget('');
      Fail('nothing was raised');
    except
      on Error: ELifePay do
        Check(Error.ErrorOf('ext_id') <> '', 'the error names the field');
    end;
  finally
    Outbox.Free;
  end;
end;

procedure ARejectionIsAnOutcomeAndCanBeRetried;
var
  Outbox: TLifePayOutbox;
  Shift: TLifePay;
  Answer: TLifePayResult;
begin
  Test('ARejectionIsAnOutcomeAndCanBeRetried');
  Outbox := Opened('rejected.db', SandboxUrl);
  Shift := TLifePay.Create('', '70000006095');
  try
    Shift.ExtId := 'pascal-outbox-rejected';
    Outbox.Submit(Shift);
    Answer := Outbox.Wait(Shift.ExtId, 20000);
    CheckEqual(Answer.Code, LP_ACCESS_DENIED, 'the code');
    Outbox.RetryNow(Shift.ExtId);
    CheckEqual(Outbox.Wait(Shift.ExtId, 20000).Code, LP_ACCESS_DENIED, 'the code of a retry');
    // An argument error is not an outcome of the entry.
    Shift.ApiKey := 'another';
    CheckEqual(Outbox.TrySubmit(Shift, Answer), LP_ERR_ARGUMENT, 'the code of TrySubmit');
    CheckEqual(Length(Answer.Errors), 1, 'the number of errors');
    try
      Outbox.Submit(Shift);
      Fail('nothing was raised');
    except
      on Error: ELifePay do
        Check(Error.ErrorOf('apikey') <> '', 'the error names the field');
    end;
  finally
    Shift.Free;
    Outbox.Free;
  end;
end;

procedure PendingEntriesAreThereAfterReopening;
var
  Outbox: TLifePayOutbox;
begin
  Test('PendingEntriesAreThereAfterReopening');
  Outbox := Opened('reopened.db', NOBODY);
  try
    Submitted(Outbox, 'pascal-reopened');
  finally
    Outbox.Free;
  end;
  Outbox := Opened('reopened.db', SandboxUrl);
  try
    Check(Outbox.Entries[0].Foreign, 'it belongs to another base_url');
    CheckEqual(Outbox.Pending, 0, 'Pending');
  finally
    Outbox.Free;
  end;
  Outbox := Opened('reopened.db', NOBODY);
  try
    CheckEqual(Outbox.Pending, 1, 'Pending');
  finally
    Outbox.Free;
  end;
end;

procedure HandlersMayStopAndRaise;
var
  Outbox: TLifePayOutbox;
  Visitor: TVisitor;
  Raised: string;
begin
  Test('HandlersMayStopAndRaise');
  Raised := '';
  Visitor := TVisitor.Create;
  Outbox := Opened('each.db', NOBODY);
  try
    Submitted(Outbox, 'pascal-each-1');
    Submitted(Outbox, 'pascal-each-2');
    CheckEqual(Length(Outbox.Entries), 2, 'the number of entries');
    CheckEqual(Outbox.Entries[1].ExtId, 'pascal-each-2', 'the second');
    Outbox.Each(Visitor.StopAtOnce);
    CheckEqual(Visitor.Seen, 1, 'entries seen');
    try
      Outbox.Each(Visitor.Throw);
    except
      on Error: ETest do
        Raised := string(Error.Message);
    end;
    CheckEqual(Raised, 'from the handler', 'the message');
    CheckEqual(Visitor.Seen, 2, 'entries seen');
    try
      Outbox.Each(nil);
      Fail('nothing was raised');
    except
      on Error: ELifePay do
        CheckEqual(Error.Code, LP_ERR_ARGUMENT, 'the code of Each');
    end;
  finally
    Outbox.Free;
    Visitor.Free;
  end;
end;

procedure ClosingWakesWaitingThreads;
var
  Outbox: TLifePayOutbox;
  Waiter: TWaiter;
begin
  Test('ClosingWakesWaitingThreads');
  Outbox := Opened('closed.db', NOBODY);
  Waiter := TWaiter.Create(True);
  try
    Submitted(Outbox, 'pascal-waits');
    Waiter.FOutbox := Outbox;
    Waiter.Start;
    Outbox.Close;
    Outbox.Close;
    Waiter.WaitFor;
    CheckEqual(Waiter.FCode, LP_ERR_CLOSED, 'the code of Wait');
    CheckEqual(CodeOfWait(Outbox, 'pascal-waits'), LP_ERR_CLOSED, 'the code of Wait');
  finally
    Waiter.Free;
    Outbox.Free;
  end;
end;

procedure AFileThatCannotBeUsedIsAnError;
var
  Settings: TLifePay;
  Outbox: TLifePayOutbox;
  Answer: TLifePayResult;
begin
  Test('AFileThatCannotBeUsedIsAnError');
  Settings := Request('');
  try
    CheckEqual(TLifePayOutbox.TryOpen(Folder + 'none/shifts.db', Settings, Outbox, Answer),
      LP_ERR_OUTBOX, 'the code of TryOpen');
    Check(Outbox = nil, 'there is no outbox');
    Check(Answer.Message <> '', 'there is a message');
    try
      Outbox := TLifePayOutbox.Create('', Settings);
      Fail('nothing was raised');
    except
      on Error: ELifePay do
        CheckEqual(Error.Code, LP_ERR_ARGUMENT, 'the code of Create');
    end;
    CheckEqual(TLifePayOutbox.TryOpen(Folder + 'tried.db', Settings, Outbox, Answer), LP_OK,
      'the code of TryOpen');
    Outbox.Free;
    CheckEqual(TLifePayOutbox.TryOpen(Folder + 'tried.db', nil, Outbox, Answer), LP_ERR_ARGUMENT,
      'the code of TryOpen without settings');
  finally
    Settings.Free;
  end;
end;

procedure RunOutboxTests;
begin
  ARequestIsSubmittedAnsweredListedAndForgotten;
  APendingEntryIsShownAndCanBeCancelled;
  ARejectionIsAnOutcomeAndCanBeRetried;
  PendingEntriesAreThereAfterReopening;
  HandlersMayStopAndRaise;
  ClosingWakesWaitingThreads;
  AFileThatCannotBeUsedIsAnError;
end;

end.

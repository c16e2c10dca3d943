// The log: its handler is called from any thread, may raise exceptions, and can be removed.
unit LogTests;

interface

procedure RunLogTests;

implementation

uses
  SysUtils, LifePay, Checks;

type
  TListener = class
    Lines: Integer;
    Levels: set of LP_LOG_OFF..LP_LOG_TRACE;
    HasExtId: Boolean;
    HasApiKey: Boolean;
    procedure Listen(Level: Integer; const Line: string);
    procedure Throw(Level: Integer; const Line: string);
  end;

  TCaller = class
    Shift: TLifePay;
    Returned: Integer;
    Answer: TLifePayResult;
    procedure Call(Level: Integer; const Line: string);
  end;

procedure TCaller.Call(Level: Integer; const Line: string);
begin
  Returned := Shift.TryOpenShift(Answer);
end;

procedure TListener.Listen(Level: Integer; const Line: string);
begin
  InterlockedIncrement(Lines);
  Levels := Levels + [Level];
  if Pos('pascal-log', Line) > 0 then
    HasExtId := True;
  if Pos('s3cr3t-apikey', Line) > 0 then
    HasApiKey := True;
end;

procedure TListener.Throw(Level: Integer; const Line: string);
begin
  InterlockedIncrement(Lines);
  raise ETest.Create('nobody hears this');
end;

procedure OpenOne(const ExtId: string);
var
  Shift: TLifePay;
begin
  Shift := Request(ExtId);
  try
    Shift.OpenShift;
  finally
    Shift.Free;
  end;
end;

procedure LinesArriveUntilTheHandlerIsRemoved;
var
  Listener: TListener;
  Before: Integer;
begin
  Test('LinesArriveUntilTheHandlerIsRemoved');
  Listener := TListener.Create;
  try
    LifePaySetLog(Listener.Listen, LP_LOG_TRACE);
    OpenOne('pascal-log');
    Check(Listener.HasExtId, 'a line has the ext_id');
    Check(not Listener.HasApiKey, 'no line has the apikey');
    Check(LP_LOG_INFO in Listener.Levels, 'there is a line of LP_LOG_INFO');
    try
      LifePaySetLog(Listener.Throw, 77);
      Fail('nothing was raised');
    except
      on Error: ELifePay do
        CheckEqual(Error.Code, LP_ERR_ARGUMENT, 'the code');
    end;
    Before := Listener.Lines;
    OpenOne('pascal-log');
    Check(Listener.Lines > Before, 'the previous handler stays in use');
    LifePaySetLog(nil, LP_LOG_OFF);
    Before := Listener.Lines;
    OpenOne('pascal-log');
    CheckEqual(Listener.Lines, Before, 'the number of lines');
  finally
    LifePaySetLog(nil, LP_LOG_OFF);
    Listener.Free;
  end;
end;

procedure ExceptionsOfAHandlerAreDropped;
var
  Listener: TListener;
begin
  Test('ExceptionsOfAHandlerAreDropped');
  Listener := TListener.Create;
  try
    LifePaySetLog(Listener.Throw, LP_LOG_TRACE);
    OpenOne('pascal-log-throws');
    Check(Listener.Lines > 1, 'it was called repeatedly');
  finally
    LifePaySetLog(nil, LP_LOG_OFF);
    Listener.Free;
  end;
end;

procedure TheLibrarysThreadsCallTheHandler;
var
  Listener: TListener;
  Settings: TLifePay;
  Outbox: TLifePayOutbox;
  Place: Integer;
begin
  Test('TheLibrarysThreadsCallTheHandler');
  Listener := TListener.Create;
  Settings := Request('');
  try
    LifePaySetLog(Listener.Listen, LP_LOG_TRACE);
    Outbox := TLifePayOutbox.Create(Folder + 'log.db', Settings);
    try
      for Place := 1 to 20 do
      begin
        Settings.ExtId := 'pascal-log-' + IntToStr(Place);
        Outbox.Submit(Settings);
      end;
      for Place := 1 to 20 do
        CheckEqual(Outbox.Wait('pascal-log-' + IntToStr(Place), 20000).Code, LP_OK, 'the code');
    finally
      Outbox.Free;
    end;
    Check(Listener.Lines > 20, 'there are lines');
  finally
    LifePaySetLog(nil, LP_LOG_OFF);
    Settings.Free;
    Listener.Free;
  end;
end;

procedure TheLogGoesToAFile;
begin
  Test('TheLogGoesToAFile');
  LifePayLogToFile(Folder + 'lifepay.log', LP_LOG_INFO, 1000000);
  OpenOne('pascal-log-file');
  LifePayLogToFile('', LP_LOG_OFF);
  Check(FileExists(Folder + 'lifepay.log'), 'the file is there');
  try
    LifePayLogToFile(Folder + 'none/lifepay.log', LP_LOG_INFO);
    Fail('nothing was raised');
  except
    on Error: ELifePay do
      CheckEqual(Error.Code, LP_ERR_ARGUMENT, 'the code');
  end;
end;

procedure CallsInAHandlerAreRefusedWithAnError;
var
  Listener: TCaller;
begin
  Test('CallsInAHandlerAreRefusedWithAnError');
  Listener := TCaller.Create;
  try
    Listener.Shift := Request('pascal-in-handler');
    CheckEqual(Listener.Shift.Last.Code, LP_ERR_ARGUMENT, 'Last.Code before the first call');
    LifePaySetLog(Listener.Call, LP_LOG_INFO);
    OpenOne('pascal-log');
    LifePaySetLog(nil, LP_LOG_OFF);
    CheckEqual(Listener.Returned, LP_ERR_ARGUMENT, 'the returned code');
    CheckEqual(Listener.Answer.Code, LP_ERR_ARGUMENT, 'Answer.Code');
    CheckEqual(Listener.Answer.Outcome, 0, 'Answer.Outcome');
    CheckEqual(Length(Listener.Answer.Errors), 1, 'the number of errors');
    Check(Pos(Listener.Answer.Errors[0].Message, Listener.Answer.Message) > 0, 'the message');
    CheckEqual(Listener.Answer.Uuid + Listener.Answer.ExtId + Listener.Answer.Reply, '', 'the rest');
  finally
    LifePaySetLog(nil, LP_LOG_OFF);
    Listener.Shift.Free;
    Listener.Free;
  end;
end;

// The unit removes the handler when the program ends.
procedure AHandlerMayStayUntilTheEnd;
var
  Listener: TListener;
begin
  Test('AHandlerMayStayUntilTheEnd');
  Listener := TListener.Create;
  LifePaySetLog(Listener.Listen, LP_LOG_WARN);
  LifePaySetLog(Listener.Listen, LP_LOG_ERROR);
  // The library reports nothing at this level any more.
  Listener.Free;
end;

procedure RunLogTests;
begin
  LinesArriveUntilTheHandlerIsRemoved;
  ExceptionsOfAHandlerAreDropped;
  TheLibrarysThreadsCallTheHandler;
  TheLogGoesToAFile;
  CallsInAHandlerAreRefusedWithAnError;
  AHandlerMayStayUntilTheEnd;
end;

end.

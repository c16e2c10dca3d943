// Sending other documents: the requests, the results, and wrong arguments.
unit DocumentTests;

interface

procedure RunDocumentTests;

implementation

uses
  SysUtils, LifePay, Checks;

const
  Z_REPORT = '/cloud-print/create-z-report';
  // The uuid in all answers of the server.
  TAKEN = 'dabe3833-43ff-5e5c-a45e-9cff664503fd';

type
  TStopper = class
    Calls: Integer;
    procedure StopAtOnce(Sender: TObject; const Progress: TLifePayProgress; var Stop: Boolean);
  end;

procedure TStopper.StopAtOnce(Sender: TObject; const Progress: TLifePayProgress;
  var Stop: Boolean);
begin
  Inc(Calls);
  Stop := True;
end;

function ToTaker: TLifePay;
begin
  Result := Request('');
  Result.BaseUrl := TakerUrl;
end;

// tests/bindings/pascal.rs checks what the server received from this test and the following ones.
procedure AZReportHasAUuidAndNoExtId;
var
  Till: TLifePay;
begin
  Test('AZReportHasAUuidAndNoExtId');
  Till := ToTaker;
  try
    Till.CashierName := 'Ivanova';
    Till.TargetSerial := '00106304012797';
    CheckEqual(Till.SendDocument(Z_REPORT), TAKEN, 'the uuid');
    CheckEqual(Till.Last.Code, LP_OK, 'Last.Code');
    CheckEqual(Till.Last.Outcome, LP_OUTCOME_ANSWERED, 'Last.Outcome');
    CheckEqual(Till.Last.ExtId, '', 'Last.ExtId');
    Check(Pos(TAKEN, Till.Last.Reply) > 0, 'the reply has the uuid');
  finally
    Till.Free;
  end;
end;

procedure ItsMembersAreSentUnchanged;
var
  Till: TLifePay;
  Answer: TLifePayResult;
begin
  Test('ItsMembersAreSentUnchanged');
  Till := ToTaker;
  try
    Till.Test := True;
    Till.ExtId := 'pascal-document';
    Till.RetryForMs := 60000;
    // These properties are for an outbox, and ignored here.
    Till.Path := '/another';
    Till.DocumentJson := '{"another": 1}';
    CheckEqual(Till.TrySendDocument(Z_REPORT, ' {"n":1.50,  "a": [ ]} ', Answer), LP_OK, 'the code');
    CheckEqual(Answer.Uuid, TAKEN, 'the uuid');
    CheckEqual(Answer.ExtId, 'pascal-document', 'the ext_id');
    CheckEqual(Till.TrySendDocument(Z_REPORT, '', Answer), LP_OK, 'the code without members');
    CheckEqual(Till.Path, '/another', 'Path');
  finally
    Till.Free;
  end;
end;

procedure ADocumentInJson;
var
  Answer: string;
  Code: Integer;
begin
  Test('ADocumentInJson');
  Code := LifePaySendJson('{"apikey": "s3cr3t-apikey", "login": "79031234567", ' +
    '"proxy": "none", "base_url": "' + TakerUrl + '", "path": "' + Z_REPORT + '", ' +
    '"document_json": {"n":1.50}}', Answer);
  CheckEqual(Code, LP_OK, Answer);
  Check(Pos(TAKEN, Answer) > 0, Answer);
  CheckEqual(LifePaySendJson('{', Answer), LP_ERR_ARGUMENT, Answer);
end;

procedure TheOutboxSendsItAndItsEntryHasThePath;
var
  Till: TLifePay;
  Outbox: TLifePayOutbox;
  Answer: TLifePayResult;
begin
  Test('TheOutboxSendsItAndItsEntryHasThePath');
  Till := ToTaker;
  Outbox := nil;
  try
    Till.Path := Z_REPORT;
    Till.DocumentJson := '{"n":2}';
    Outbox := TLifePayOutbox.Create(Folder + 'documents.db', Till);
    try
      Outbox.Submit(Till);
      Fail('nothing was raised');
    except
      // An outbox retries, so LifePay must recognise the repeated request.
      on Error: ELifePay do
        Check(Error.ErrorOf('ext_id') <> '', 'the error names the field');
    end;
    Till.ExtId := 'pascal-document-outbox';
    Outbox.Submit(Till);
    Answer := Outbox.Wait(Till.ExtId, 20000);
    CheckEqual(Answer.Code, LP_OK, Answer.Message);
    CheckEqual(Answer.Uuid, TAKEN, 'the uuid');
    CheckEqual(Outbox.Entries[0].Path, Z_REPORT, 'Entry.Path');
    Till.DocumentJson := '{"n":3}';
    CheckEqual(Outbox.TrySubmit(Till, Answer), LP_ERR_ARGUMENT, 'the code of another document');
  finally
    Outbox.Free;
    Till.Free;
  end;
end;

procedure AValueThatIsNotADocumentIsRefusedByName;
var
  Till: TLifePay;

  procedure Refuse(const Path, DocumentJson, Field: string);
  begin
    try
      Till.SendDocument(Path, DocumentJson);
      Fail('nothing was raised');
    except
      on Error: ELifePay do
      begin
        CheckEqual(Error.Code, LP_ERR_ARGUMENT, 'the code');
        CheckEqual(Error.Outcome, LP_OUTCOME_NOT_SENT, 'the outcome');
        CheckEqual(Length(Error.Errors), 1, 'the number of errors');
        Check(Error.ErrorOf(Field) <> '', 'the error names ' + Field);
      end;
    end;
  end;

begin
  Test('AValueThatIsNotADocumentIsRefusedByName');
  Till := ToTaker;
  try
    Refuse('', '', 'path');
    Refuse('/a/../b', '', 'path');
    Refuse(Z_REPORT, '[]', 'document_json');
    Refuse(Z_REPORT, '{"login": "1"}', 'document_json');
    // Strings that would end at the #0 in C.
    Refuse('/a'#0'b', '', 'path');
    Refuse(Z_REPORT, '{}'#0, 'document_json');
    Till.RetryForMs := 1000;
    Refuse(Z_REPORT, '', 'ext_id');
    // A shift has no path.
    Till.Path := Z_REPORT;
    Check(Refused(Till, LP_ERR_ARGUMENT).Errors[0].Field = 'path', 'the error names path');
  finally
    Till.Free;
  end;
end;

procedure AHandlerStopsIt;
var
  Till: TLifePay;
  Stopper: TStopper;
  Answer: TLifePayResult;
begin
  Test('AHandlerStopsIt');
  Stopper := TStopper.Create;
  Till := ToTaker;
  try
    Till.BaseUrl := SilentUrl;
    Till.OnProgress := Stopper.StopAtOnce;
    CheckEqual(Till.TrySendDocument(Z_REPORT, '', Answer), LP_ERR_CANCELLED, 'the code');
    CheckEqual(Stopper.Calls, 1, 'calls');
    CheckEqual(Till.Last.Code, LP_ERR_CANCELLED, 'Last.Code');
  finally
    Till.Free;
    Stopper.Free;
  end;
end;

procedure RunDocumentTests;
begin
  AZReportHasAUuidAndNoExtId;
  ItsMembersAreSentUnchanged;
  ADocumentInJson;
  TheOutboxSendsItAndItsEntryHasThePath;
  AValueThatIsNotADocumentIsRefusedByName;
  AHandlerStopsIt;
end;

end.

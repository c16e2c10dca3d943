// Helpers of the Pascal tests. A test program prints nothing and exits with 0, or prints which
// check failed in which test and exits with 1.
unit Checks;

interface

uses
  SysUtils, LifePay;

var
  // The sandbox, a server that never answers, and a server that accepts every document on any path.
  SandboxUrl, SilentUrl, TakerUrl: string;
  // An empty folder, with a slash at its end.
  Folder: string;

type
  ETest = class(Exception);

// Starts a test: sets the name that Fail prints.
procedure Test(const Name: string);
procedure Fail(const What: string);
procedure Check(Truth: Boolean; const What: string);
procedure CheckEqual(Got, Wanted: Int64; const What: string); overload;
procedure CheckEqual(const Got, Wanted, What: string); overload;
// Returns a request that the sandbox accepts.
function Request(const ExtId: string): TLifePay;
// Opens the shift, which must fail with Code. Returns the result.
function Refused(Shift: TLifePay; Code: Integer): TLifePayResult;

implementation

var
  Current: string = '';

procedure Test(const Name: string);
begin
  Current := Name;
end;

procedure Fail(const What: string);
begin
  WriteLn(ErrOutput, 'in ', Current, ': ', What);
  Halt(1);
end;

procedure Check(Truth: Boolean; const What: string);
begin
  if not Truth then
    Fail(What);
end;

procedure CheckEqual(Got, Wanted: Int64; const What: string);
begin
  if Got <> Wanted then
    Fail(What + ' is ' + IntToStr(Got) + ', not ' + IntToStr(Wanted));
end;

procedure CheckEqual(const Got, Wanted, What: string);
begin
  if Got <> Wanted then
    Fail(What + ' is "' + Got + '", not "' + Wanted + '"');
end;

function Request(const ExtId: string): TLifePay;
begin
  Result := TLifePay.Create('s3cr3t-apikey', '79031234567');
  Result.ExtId := ExtId;
  Result.BaseUrl := SandboxUrl;
  Result.Proxy := 'none';
end;

function Refused(Shift: TLifePay; Code: Integer): TLifePayResult;
begin
  try
    Shift.OpenShift;
    Fail('nothing was raised');
  except
    on Error: ELifePay do
    begin
      CheckEqual(Error.Code, Code, Error.Message);
      Result := Error.Answer;
    end;
  end;
end;

end.

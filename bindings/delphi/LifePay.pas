(*
 * LifePay.pas: opens and closes the shifts of cash registers, and prints receipts, through
 * LifePay's cloud fiscalisation.
 *
 *     Shift := TLifePay.Create('your API key', '79031234567');
 *     try
 *       Shift.ExtId := '00106304012797-2026-11-24-1';      // your own, stored before you send
 *       try
 *         WriteLn('accepted: ', Shift.OpenShift);
 *       except
 *         on E: ELifePay do WriteLn(E.CodeName, ': ', E.Message);
 *       end;
 *     finally
 *       Shift.Free;
 *     end;
 *
 * A Z report closes the shift. It is sent as every other document is:
 *
 *     Shift.ExtId := '';
 *     WriteLn('accepted: ', Shift.SendDocument('/cloud-print/create-z-report'));
 *
 * For Delphi 7 to 12 and Free Pascal 3.2; Windows 32 and 64 bit, Linux. This file is in ASCII,
 * which all of them read in the same way.
 *
 * TLifePay and TLifePayOutbox take and return the strings of your compiler. lifepay.h documents the
 * fields and calls in full, under the same names. This unit also declares the functions of
 * lifepay.h.
 *
 * The library      lifepay.dll or liblifepay.so.0 is loaded at the first call, from the folder of
 *                  the program, otherwise by the system's rules. LifePayLoad loads another file.
 *                  With LIFEPAY_STATIC defined the program is linked to the library instead, and
 *                  does not start without it.
 * Not given        is '' or 0, in every field.
 * Strings          are sent to LifePay as UTF-8. An AnsiString is read in the system's code page
 *                  (CP1251 on a Russian Windows), or in that of LifePayAnsiCodePage.
 * Threads          Every call may be made from any thread. A TLifePay serves one call at a time,
 *                  a TLifePayOutbox any number.
 * Exceptions       in your handlers do not reach the library: the call is stopped, and they are
 *                  raised again after it has returned.
 * Floating point   needs no Set8087CW or SetExceptionMask: the library masks the exceptions that
 *                  Delphi before 12 leaves on, and restores them.
 *)
unit LifePay;

{$IFDEF FPC}
  {$IFDEF UNICODE}{$MODE DELPHIUNICODE}{$ELSE}{$MODE DELPHI}{$ENDIF}
  {$PACKRECORDS C}
  // Unused parameters of callbacks, and strings that are reported as not initialised.
  {$WARN 5024 OFF}{$WARN 5091 OFF}{$WARN 5093 OFF}{$WARN 5094 OFF}
{$ELSE}
  {$ALIGN 8}
  {$WARN UNSAFE_TYPE OFF}
  {$WARN UNSAFE_CODE OFF}
  {$WARN UNSAFE_CAST OFF}
{$ENDIF}
{$H+}
// The code below needs these settings, so they override the project's.
{$B-}{$Q-}{$R-}{$T-}{$X+}

{$IFDEF FPC}{$DEFINE LIFEPAY_CODE_PAGES}{$ENDIF}
{$IFDEF UNICODE}{$DEFINE LIFEPAY_CODE_PAGES}{$ENDIF}
// Whether AnsiStrings must be converted: everywhere but in Delphi 2009 and newer.
{$IFDEF FPC}{$DEFINE LIFEPAY_ANSI}{$ENDIF}
{$IFNDEF UNICODE}{$DEFINE LIFEPAY_ANSI}{$ENDIF}
{$IFNDEF FPC}
  {$IF CompilerVersion >= 23}{$DEFINE LIFEPAY_UNIT_SCOPES}{$IFEND}
  {$IF CompilerVersion >= 24}{$ZEROBASEDSTRINGS OFF}{$IFEND}
{$ENDIF}

interface

uses
{$IFDEF FPC}
  {$IFDEF UNIX}
  // Needed because the library's threads call LifePaySetLog's handler.
  cthreads,
  {$ENDIF}
{$ENDIF}
{$IFDEF LIFEPAY_UNIT_SCOPES}
  System.SysUtils;
{$ELSE}
  SysUtils;
{$ENDIF}

const
{$IFDEF MSWINDOWS}
  LIFEPAY_LIBRARY = 'lifepay.dll';
{$ELSE}
  LIFEPAY_LIBRARY = 'liblifepay.so.0';
{$ENDIF}

{ ------------------------------------------------------------------------------------------------
  lifepay.h: constants
  ------------------------------------------------------------------------------------------------ }

const
  // A time without a limit, in milliseconds.
  LP_FOREVER = Cardinal($FFFFFFFF);

  // Codes. 0 and positive codes are LifePay's; the unit may not know all of them. Negative codes
  // are the library's.
  LP_OK = 0;
  LP_DATA_ERROR = 400;
  LP_SERVER_ERROR = 500;
  LP_FORMAT_ERROR = 6000;
  LP_LOGIN_UNKNOWN = 6009;
  LP_CREDENTIALS_UNKNOWN = 6010;
  LP_FISCALIZATION_FORBIDDEN = 6080;
  LP_ACCESS_DENIED = 6095;
  LP_PENDING = -1;
  LP_ERR_ARGUMENT = -2;
  LP_ERR_NETWORK = -3;
  LP_ERR_TIMEOUT = -4;
  LP_ERR_TLS = -5;
  LP_ERR_HTTP = -6;
  LP_ERR_REPLY = -7;
  LP_ERR_CANCELLED = -8;
  LP_ERR_OUTBOX = -9;
  LP_ERR_NOT_FOUND = -10;
  LP_ERR_INTERNAL = -11;
  LP_ERR_CLOSED = -12;
  LP_ERR_EXPIRED = -13;

  // Whether LifePay may have the request.
  LP_OUTCOME_NOT_SENT = 1;
  LP_OUTCOME_UNKNOWN = 2;
  LP_OUTCOME_ANSWERED = 3;

  LP_TRUST_DEFAULT = 0;
  LP_TRUST_BUNDLED = 1;
  LP_TRUST_SYSTEM = 2;

  LP_PHASE_CONNECT = 1;
  LP_PHASE_EXCHANGE = 2;
  LP_PHASE_FAILED = 3;
  LP_PHASE_PAUSE = 4;

  // Flags of lp_entry, combined with or.
  LP_ENTRY_PENDING = 1;
  LP_ENTRY_SENDING = 2;
  LP_ENTRY_FOREIGN = 4;

  LP_LOG_OFF = 0;
  LP_LOG_ERROR = 1;
  LP_LOG_WARN = 2;
  LP_LOG_INFO = 3;
  LP_LOG_DEBUG = 4;
  LP_LOG_TRACE = 5;

  // Version of lifepay.h that this unit was written for.
  LP_VERSION_MAJOR = 0;
  LP_VERSION_MINOR = 1;
  LP_VERSION_PATCH = 0;

{ ------------------------------------------------------------------------------------------------
  lifepay.h: types
  ------------------------------------------------------------------------------------------------ }

type
  Plp_progress = ^lp_progress;
  lp_progress = record
    struct_size: Cardinal;
    phase: Integer;
    attempts: Cardinal;
    code: Integer;
    http_status: Integer;
    elapsed_ms: Cardinal;
    next_attempt_ms: Cardinal;
  end;

  Plp_entry = ^lp_entry;
  lp_entry = record
    struct_size: Cardinal;
    code: Integer;
    outcome: Integer;
    flags: Cardinal;
    attempts: Cardinal;
    http_status: Integer;
    submitted_at: Int64;
    next_attempt_at: Int64;
    answered_at: Int64;
    expires_at: Int64;
    ext_id: PAnsiChar;
    login: PAnsiChar;
    target_serial: PAnsiChar;
    base_url: PAnsiChar;
    uuid: PAnsiChar;
    message: PAnsiChar;
    path: PAnsiChar;
  end;

  // Callbacks. They must not raise exceptions.
  lp_progress_fn = function(progress: Plp_progress; user_data: Pointer): Integer; cdecl;
  lp_entry_fn = function(entry: Plp_entry; user_data: Pointer): Integer; cdecl;
  lp_log_fn = procedure(level: Integer; message: PAnsiChar; user_data: Pointer); cdecl;

  Plp_config = ^lp_config;
  lp_config = record
    struct_size: Cardinal;
    test: Integer;
    apikey: PAnsiChar;
    login: PAnsiChar;
    cashier_name: PAnsiChar;
    cashier_inn: PAnsiChar;
    target_serial: PAnsiChar;
    ext_id: PAnsiChar;
    callback_url: PAnsiChar;
    callback_data: PAnsiChar;
    callback_data_json: PAnsiChar;
    base_url: PAnsiChar;
    proxy: PAnsiChar;
    ca_file: PAnsiChar;
    trust: Integer;
    connect_timeout_ms: Cardinal;
    timeout_ms: Cardinal;
    retry_for_ms: Cardinal;
    retry_delays_ms: PCardinal;
    on_progress: lp_progress_fn;
    user_data: Pointer;
    retry_delay_count: Cardinal;
    expires_after_ms: Cardinal;
    concurrency: Cardinal;
    keep_days: Cardinal;
    path: PAnsiChar;
    document_json: PAnsiChar;
  end;

  Plp_field_error = ^lp_field_error;
  lp_field_error = record
    field: PAnsiChar;
    message: PAnsiChar;
  end;

  Plp_result = ^lp_result;
  lp_result = record
    struct_size: Cardinal;
    code: Integer;
    outcome: Integer;
    http_status: Integer;
    attempts: Cardinal;
    retry_after_ms: Cardinal;
    // Unsigned in C. Delphi 7 has no such type, and the field is private anyway.
    owner: Int64;
    uuid: PAnsiChar;
    ext_id: PAnsiChar;
    message: PAnsiChar;
    detail: PAnsiChar;
    reply: PAnsiChar;
    errors: Plp_field_error;
    error_count: Cardinal;
    reserved: Cardinal;
  end;

  // A number; do not dereference it.
  Plp_outbox = ^lp_outbox;
  lp_outbox = record
  end;
  PPlp_outbox = ^Plp_outbox;
  PPlp_string = ^PAnsiChar;

{ ------------------------------------------------------------------------------------------------
  lifepay.h: functions. If loaded at run time, they are nil until LifePayLoad, which the classes
  call.
  ------------------------------------------------------------------------------------------------ }

{$IFDEF LIFEPAY_STATIC}

function lp_config_init(config: Plp_config; size: Cardinal): Integer; cdecl;
function lp_result_init(answer: Plp_result; size: Cardinal): Integer; cdecl;
procedure lp_result_free(answer: Plp_result); cdecl;
function lp_open_shift(config: Plp_config; answer: Plp_result): Integer; cdecl;
function lp_send(config: Plp_config; answer: Plp_result): Integer; cdecl;
function lp_ext_id_new(buffer: PAnsiChar; size: Cardinal): Integer; cdecl;
function lp_open_shift_json(request: PAnsiChar; answer: PPlp_string): Integer; cdecl;
function lp_send_json(request: PAnsiChar; answer: PPlp_string): Integer; cdecl;
procedure lp_string_free(text: PAnsiChar); cdecl;
function lp_outbox_open(path: PAnsiChar; config: Plp_config; outbox: PPlp_outbox;
  answer: Plp_result): Integer; cdecl;
function lp_outbox_submit(outbox: Plp_outbox; config: Plp_config; answer: Plp_result): Integer;
  cdecl;
function lp_outbox_wait(outbox: Plp_outbox; ext_id: PAnsiChar; timeout_ms: Cardinal;
  answer: Plp_result): Integer; cdecl;
function lp_outbox_each(outbox: Plp_outbox; callback: lp_entry_fn; user_data: Pointer): Integer;
  cdecl;
function lp_outbox_retry_now(outbox: Plp_outbox; ext_id: PAnsiChar): Integer; cdecl;
function lp_outbox_cancel(outbox: Plp_outbox; ext_id: PAnsiChar; answer: Plp_result): Integer;
  cdecl;
function lp_outbox_forget(outbox: Plp_outbox; ext_id: PAnsiChar): Integer; cdecl;
function lp_outbox_pending(outbox: Plp_outbox; count: PCardinal): Integer; cdecl;
function lp_outbox_close(outbox: Plp_outbox): Integer; cdecl;
function lp_code_name(code: Integer): PAnsiChar; cdecl;
function lp_code_text(code: Integer): PAnsiChar; cdecl;
function lp_set_log(callback: lp_log_fn; user_data: Pointer; level: Integer): Integer; cdecl;
function lp_log_to_file(path: PAnsiChar; level: Integer; max_bytes: Cardinal): Integer; cdecl;
function lp_version: PAnsiChar; cdecl;
function lp_version_number: Cardinal; cdecl;

{$ELSE}

var
  lp_config_init: function(config: Plp_config; size: Cardinal): Integer; cdecl;
  lp_result_init: function(answer: Plp_result; size: Cardinal): Integer; cdecl;
  lp_result_free: procedure(answer: Plp_result); cdecl;
  lp_open_shift: function(config: Plp_config; answer: Plp_result): Integer; cdecl;
  lp_send: function(config: Plp_config; answer: Plp_result): Integer; cdecl;
  lp_ext_id_new: function(buffer: PAnsiChar; size: Cardinal): Integer; cdecl;
  lp_open_shift_json: function(request: PAnsiChar; answer: PPlp_string): Integer; cdecl;
  lp_send_json: function(request: PAnsiChar; answer: PPlp_string): Integer; cdecl;
  lp_string_free: procedure(text: PAnsiChar); cdecl;
  lp_outbox_open: function(path: PAnsiChar; config: Plp_config; outbox: PPlp_outbox;
    answer: Plp_result): Integer; cdecl;
  lp_outbox_submit: function(outbox: Plp_outbox; config: Plp_config; answer: Plp_result): Integer;
    cdecl;
  lp_outbox_wait: function(outbox: Plp_outbox; ext_id: PAnsiChar; timeout_ms: Cardinal;
    answer: Plp_result): Integer; cdecl;
  lp_outbox_each: function(outbox: Plp_outbox; callback: lp_entry_fn; user_data: Pointer): Integer;
    cdecl;
  lp_outbox_retry_now: function(outbox: Plp_outbox; ext_id: PAnsiChar): Integer; cdecl;
  lp_outbox_cancel: function(outbox: Plp_outbox; ext_id: PAnsiChar; answer: Plp_result): Integer;
    cdecl;
  lp_outbox_forget: function(outbox: Plp_outbox; ext_id: PAnsiChar): Integer; cdecl;
  lp_outbox_pending: function(outbox: Plp_outbox; count: PCardinal): Integer; cdecl;
  lp_outbox_close: function(outbox: Plp_outbox): Integer; cdecl;
  lp_code_name: function(code: Integer): PAnsiChar; cdecl;
  lp_code_text: function(code: Integer): PAnsiChar; cdecl;
  lp_set_log: function(callback: lp_log_fn; user_data: Pointer; level: Integer): Integer; cdecl;
  lp_log_to_file: function(path: PAnsiChar; level: Integer; max_bytes: Cardinal): Integer; cdecl;
  lp_version: function: PAnsiChar; cdecl;
  lp_version_number: function: Cardinal; cdecl;

{$ENDIF}

{ ------------------------------------------------------------------------------------------------
  The result of a call
  ------------------------------------------------------------------------------------------------ }

type
  TLifePayFieldError = record
    Field: string;
    Message: string;
  end;
  TLifePayFieldErrors = array of TLifePayFieldError;

  // lp_result. A string that the library did not set is ''.
  TLifePayResult = record
    Code: Integer;
    Outcome: Integer;
    HttpStatus: Integer;
    Attempts: Cardinal;
    RetryAfterMs: Cardinal;
    Uuid: string;
    ExtId: string;
    // What happened, which fields are wrong and what to do, in Russian, for a person at the till.
    Message: string;
    Detail: string;
    Reply: string;
    Errors: TLifePayFieldErrors;
  end;

  ELifePay = class(Exception)
  private
    FAnswer: TLifePayResult;
    FCodeName: string;
  public
    constructor CreateFrom(const Answer: TLifePayResult);
    // Returns the reason why this field is wrong; '' if it is not.
    function ErrorOf(const Field: string): string;
    property Code: Integer read FAnswer.Code;
    property CodeName: string read FCodeName;
    // LP_OUTCOME_...; 0: the call says nothing about a request.
    property Outcome: Integer read FAnswer.Outcome;
    property HttpStatus: Integer read FAnswer.HttpStatus;
    property Attempts: Cardinal read FAnswer.Attempts;
    property RetryAfterMs: Cardinal read FAnswer.RetryAfterMs;
    property ExtId: string read FAnswer.ExtId;
    property Detail: string read FAnswer.Detail;
    property Reply: string read FAnswer.Reply;
    property Errors: TLifePayFieldErrors read FAnswer.Errors;
    // The complete result.
    property Answer: TLifePayResult read FAnswer;
  end;

  // The library is missing, cannot be loaded or is too old. Nothing was sent. Code is
  // LP_ERR_INTERNAL; Message names the file and the reason.
  ELifePayLibrary = class(ELifePay);

{ ------------------------------------------------------------------------------------------------
  The request
  ------------------------------------------------------------------------------------------------ }

  // lp_progress.
  TLifePayProgress = record
    Phase: Integer;
    Attempts: Cardinal;
    Code: Integer;
    HttpStatus: Integer;
    ElapsedMs: Cardinal;
    NextAttemptMs: Cardinal;
  end;

  // Stop := True ends the call with LP_ERR_CANCELLED within a second.
  TLifePayProgressEvent = procedure(Sender: TObject; const Progress: TLifePayProgress;
    var Stop: Boolean) of object;

  TLifePayDelays = array of Cardinal;

  // A request and the settings for sending it: lp_config.
  TLifePay = class
  private
    FApiKey: string;
    FLogin: string;
    FTest: Boolean;
    FCashierName: string;
    FCashierInn: string;
    FTargetSerial: string;
    FExtId: string;
    FCallbackUrl: string;
    FCallbackData: string;
    FCallbackDataJson: string;
    FPath: string;
    FDocumentJson: string;
    FBaseUrl: string;
    FProxy: string;
    FCaFile: string;
    FTrust: Integer;
    FConnectTimeoutMs: Cardinal;
    FTimeoutMs: Cardinal;
    FRetryForMs: Cardinal;
    FRetryDelaysMs: TLifePayDelays;
    FExpiresAfterMs: Cardinal;
    FConcurrency: Cardinal;
    FKeepDays: Cardinal;
    FOnProgress: TLifePayProgressEvent;
    FLast: TLifePayResult;
    function TrySend(IsShift: Boolean; const Path, DocumentJson: string;
      out Answer: TLifePayResult): Integer;
  public
    constructor Create(const ApiKey: string = ''; const Login: string = '');
    // Opens a shift, waits for LifePay's answer and returns the document's uuid, '' in test mode.
    // Raises ELifePay if LifePay did not accept the document. Blocks; see RetryForMs and
    // OnProgress.
    function OpenShift: string;
    // OpenShift without exceptions, even if the library is missing: only those of OnProgress are
    // raised. Returns Answer.Code.
    function TryOpenShift(out Answer: TLifePayResult): Integer;
    // Sends any other document of LifePay's cloud print: a Z report, which closes the shift, a
    // receipt, a correction. Path is the document's path below BaseUrl, such as
    // /cloud-print/create-z-report. DocumentJson, which may be '', holds the document's own fields
    // as the text of a JSON object. The properties Path and DocumentJson are ignored. Returns the
    // document's uuid, '' in test mode. Raises ELifePay if LifePay did not accept the document.
    //
    // The library generates no ExtId here. That a second request with the same ExtId makes no
    // second document is published for the opening of a shift only; look up on LifePay's page
    // whether it holds for this document. Without ExtId nothing is sent twice: RetryForMs is an
    // argument error, and after LP_OUTCOME_UNKNOWN you must check LifePay's personal account before
    // you send again.
    function SendDocument(const Path: string; const DocumentJson: string = ''): string;
    // SendDocument without exceptions, as TryOpenShift.
    function TrySendDocument(const Path, DocumentJson: string; out Answer: TLifePayResult): Integer;
    // The result of the last call, even if it raised an exception. Before the first call Code is
    // LP_ERR_ARGUMENT and the rest is empty.
    property Last: TLifePayResult read FLast;

    // Required. The company's API key in LifePay. It never appears in a log line or a message.
    property ApiKey: string read FApiKey write FApiKey;
    // Required. Login of the company's or the shop's administrator, usually 7xxxxxxxxxx.
    property Login: string read FLogin write FLogin;
    // Test mode: nothing is fiscalised, and LifePay returns no uuid.
    property Test: Boolean read FTest write FTest;
    property CashierName: string read FCashierName write FCashierName;
    property CashierInn: string read FCashierInn write FCashierInn;
    // Serial number of the fiscal printer. '': LifePay picks one of the active printers.
    property TargetSerial: string read FTargetSerial write FTargetSerial;
    // Your own identifier of this request, at most 50 characters. Store it before you send, and
    // retry with the same one: LifePay opens no second shift for it. '': the library generates a
    // UUID, see Last.ExtId. For other documents see SendDocument.
    property ExtId: string read FExtId write FExtId;
    // URL to which LifePay reports the document's status, at most 255 characters.
    property CallbackUrl: string read FCallbackUrl write FCallbackUrl;
    // What LifePay sends back to CallbackUrl: a string, or the text of a JSON object or array. Set
    // only one of the two.
    property CallbackData: string read FCallbackData write FCallbackData;
    property CallbackDataJson: string read FCallbackDataJson write FCallbackDataJson;
    // For an outbox: a document other than the opening of a shift, as for SendDocument. ExtId is
    // then required, because an outbox retries. OpenShift refuses both properties.
    property Path: string read FPath write FPath;
    property DocumentJson: string read FDocumentJson write FDocumentJson;
    // Default: https://sapi.life-pay.ru.
    property BaseUrl: string read FBaseUrl write FBaseUrl;
    // http://user:password@host:port, or 'none': no proxy. Default: the environment's proxy and, on
    // Windows, the system's.
    property Proxy: string read FProxy write FProxy;
    // Path of a PEM file with root certificates to trust in addition to those of Trust.
    property CaFile: string read FCaFile write FCaFile;
    // Root certificates to trust: LP_TRUST_...
    property Trust: Integer read FTrust write FTrust;
    // Time limit of one attempt for connecting, in milliseconds. Default: 10000.
    property ConnectTimeoutMs: Cardinal read FConnectTimeoutMs write FConnectTimeoutMs;
    // Time limit of one attempt as a whole, in milliseconds. Default: 30000.
    property TimeoutMs: Cardinal read FTimeoutMs write FTimeoutMs;
    // Milliseconds for which OpenShift and SendDocument retry until LifePay answers. 0: one
    // attempt. LP_FOREVER: no limit.
    property RetryForMs: Cardinal read FRetryForMs write FRetryForMs;
    // Pauses between attempts, in milliseconds; the last one repeats. Default: 1, 3 and 5 minutes,
    // then every 10 minutes.
    property RetryDelaysMs: TLifePayDelays read FRetryDelaysMs write FRetryDelaysMs;
    // Outbox only. Milliseconds after which a request is not retried any more. Default: 12 hours.
    // LP_FOREVER: no limit.
    property ExpiresAfterMs: Cardinal read FExpiresAfterMs write FExpiresAfterMs;
    // Outbox only. Number of requests sent in parallel. Default: 4.
    property Concurrency: Cardinal read FConcurrency write FConcurrency;
    // Outbox only. Days for which finished entries are kept. Default: 30.
    property KeepDays: Cardinal read FKeepDays write FKeepDays;
    // Called by OpenShift and SendDocument on the calling thread, about five times a second. Not
    // used by an outbox.
    property OnProgress: TLifePayProgressEvent read FOnProgress write FOnProgress;
  end;

{ ------------------------------------------------------------------------------------------------
  The outbox
  ------------------------------------------------------------------------------------------------ }

  // lp_entry. Times are local; 0: none.
  TLifePayEntry = record
    Code: Integer;
    Outcome: Integer;
    Pending: Boolean;
    Sending: Boolean;
    Foreign: Boolean;
    Attempts: Cardinal;
    HttpStatus: Integer;
    SubmittedAt: TDateTime;
    NextAttemptAt: TDateTime;
    AnsweredAt: TDateTime;
    ExpiresAt: TDateTime;
    ExtId: string;
    Login: string;
    TargetSerial: string;
    BaseUrl: string;
    Uuid: string;
    Message: string;
    // The document's path below BaseUrl, /cloud-print/create-session for the opening of a shift.
    // '': a kind of document that only a later version of the library knows, and which waits for
    // that version.
    Path: string;
  end;
  TLifePayEntries = array of TLifePayEntry;

  TLifePayEntryEvent = procedure(Sender: TObject; const Entry: TLifePayEntry;
    var Stop: Boolean) of object;

  // An outbox: requests on disk, retried in the background until LifePay answers. Its methods may
  // be called from any thread, also Close while other threads wait.
  //
  // Submit, Wait and Cancel describe an entry: Code is LP_PENDING, LP_OK, LifePay's code,
  // LP_ERR_CANCELLED or LP_ERR_EXPIRED. They raise ELifePay if the call itself failed: wrong
  // arguments, no such entry, a file that cannot be used, a closed outbox. The Try... methods raise
  // nothing and return what the function of lifepay.h returns.
  TLifePayOutbox = class
  private
    FHandle: Plp_outbox;
    procedure CheckEntry(Code: Integer; const ExtId: string);
  public
    // Settings: as for lp_outbox_open; copied before the call returns.
    constructor Create(const Path: string; Settings: TLifePay);
    // Returns Answer.Code. Outbox is nil if it is not LP_OK.
    class function TryOpen(const Path: string; Settings: TLifePay; out Outbox: TLifePayOutbox;
      out Answer: TLifePayResult): Integer;
    // Takes ownership of a handle that lp_outbox_open returned.
    constructor CreateFrom(Handle: Plp_outbox);
    // Closes the outbox. Pending entries are sent when it is opened again.
    destructor Destroy; override;
    // The request is on disk when the call returns.
    function Submit(Request: TLifePay): TLifePayResult;
    function TrySubmit(Request: TLifePay; out Answer: TLifePayResult): Integer;
    // TimeoutMs: 0 returns at once; LP_FOREVER: no limit.
    function Wait(const ExtId: string; TimeoutMs: Cardinal): TLifePayResult;
    function TryWait(const ExtId: string; TimeoutMs: Cardinal;
      out Answer: TLifePayResult): Integer;
    function Cancel(const ExtId: string): TLifePayResult;
    function TryCancel(const ExtId: string; out Answer: TLifePayResult): Integer;
    // Returns a snapshot of all entries, in the order in which they were first submitted.
    function Entries: TLifePayEntries;
    procedure Each(Handler: TLifePayEntryEvent);
    // If the state of the entry does not allow the call, these two raise ELifePay with
    // LP_ERR_ARGUMENT and the Message and Outcome of the entry. RetryNow with '' sends all entries
    // that are pending or rejected and have not expired.
    procedure RetryNow(const ExtId: string = '');
    procedure Forget(const ExtId: string);
    // Returns the number of pending entries that this outbox sends.
    function Pending: Cardinal;
    // Ends Wait in other threads with LP_ERR_CLOSED. Closing twice is harmless.
    procedure Close;
    property Handle: Plp_outbox read FHandle;
  end;

{ ------------------------------------------------------------------------------------------------
  The library, the log, and the rest
  ------------------------------------------------------------------------------------------------ }

  // Called from any thread, and by several at once: do not use Synchronize in it. Of the library it
  // may call only LifePayVersion, LifePayCode... and LifePayNewExtId; other calls fail with
  // LP_ERR_ARGUMENT. Its exceptions are lost.
  TLifePayLogEvent = procedure(Level: Integer; const Line: string) of object;

var
  // The code page of AnsiStrings. 0: the system's. Set it to 1251, for example, if the program
  // keeps its strings in CP1251 on any machine. It has no effect on UnicodeStrings, nor on strings
  // that are marked with another code page than the system's.
  LifePayAnsiCodePage: Word = 0;

// Loads the library; once it is loaded, calls do nothing. '': from the folder of the program,
// otherwise by the system's rules. Raises ELifePayLibrary.
procedure LifePayLoad(const FileName: string = '');
// LifePayLoad without exceptions. Error says why it failed.
function LifePayTryLoad(const FileName: string; out Error: string): Boolean;
function LifePayLoaded: Boolean;

// Returns the library's version, such as '0.1.0'.
function LifePayVersion: string;
// Returns the name of a code for logs, such as 'LP_ERR_TIMEOUT'.
function LifePayCodeName(Code: Integer): string;
// Returns a Russian sentence about a code, for a cashier.
function LifePayCodeText(Code: Integer): string;
// Generates an ext_id, a random UUID. Store it, then send with it.
function LifePayNewExtId: string;
// lp_open_shift_json: opens a shift. Request and Answer are JSON objects. Returns the code.
function LifePayOpenShiftJson(const Request: string; out Answer: string): Integer;
// lp_send_json: sends any other document in the same way, with the keys path and document_json.
function LifePaySendJson(const Request: string; out Answer: string): Integer;

// Sets the log handler, replacing the previous one; nil: none. A DLL must remove its handler before
// it is unloaded; a program need not.
procedure LifePaySetLog(Handler: TLifePayLogEvent; Level: Integer);
// Writes the log to a file, replacing the previous one; '': none. MaxBytes 0: 10 MiB.
procedure LifePayLogToFile(const Path: string; Level: Integer; MaxBytes: Cardinal = 0);

// For programs that call the functions of lifepay.h themselves.
function LifePayToUtf8(const Text: string): UTF8String;
function LifePayFromUtf8(Text: PAnsiChar): string;
// Converts a Unix time in milliseconds to local time; 0 gives 0.
function LifePayLocalTime(UnixMs: Int64): TDateTime;

implementation

uses
{$IFDEF FPC}
  {$IFDEF MSWINDOWS}Windows{$ELSE}BaseUnix, dl{$ENDIF};
{$ELSE}
  {$IFDEF LIFEPAY_UNIT_SCOPES}
    {$IFDEF MSWINDOWS}Winapi.Windows{$ELSE}Posix.Dlfcn, Posix.Unistd, System.DateUtils{$ENDIF};
  {$ELSE}
    Windows;
  {$ENDIF}
{$ENDIF}

{ ------------------------------------------------------------------------------------------------
  Strings. They are converted here and not by the run-time library: Delphi 7's does not convert
  characters beyond U+FFFF to UTF-8, and Free Pascal's on Linux yields question marks unless the
  program uses the unit cwstring.
  ------------------------------------------------------------------------------------------------ }

type
{$IFDEF LIFEPAY_CODE_PAGES}
  TWide = UnicodeString;
{$ELSE}
  TWide = WideString;
{$ENDIF}

const
  REPLACEMENT = $FFFD;
  // Replaces #0 with an octet that is not valid UTF-8, so that the library refuses the field by its
  // name. At #0 a C string would end, and LifePay would receive half an ext_id.
  INSTEAD_OF_NUL = $80;

function IsHighSurrogate(Unit16: Cardinal): Boolean;
begin
  Result := (Unit16 >= $D800) and (Unit16 <= $DBFF);
end;

function IsLowSurrogate(Unit16: Cardinal): Boolean;
begin
  Result := (Unit16 >= $DC00) and (Unit16 <= $DFFF);
end;

function Utf8OfWide(const Text: TWide): UTF8String;
var
  Place: Integer;
  Code: Cardinal;
  Next: PAnsiChar;

  procedure Put(Octet: Cardinal);
  begin
    Next^ := AnsiChar(Octet);
    Inc(Next);
  end;

var
  Utf8: UTF8String;
begin
  Result := '';
  if Text = '' then
    Exit;
  SetLength(Utf8, Length(Text) * 3);
  Next := PAnsiChar(Utf8);
  Place := 1;
  while Place <= Length(Text) do
  begin
    Code := Ord(Text[Place]);
    Inc(Place);
    if IsHighSurrogate(Code) and (Place <= Length(Text)) and IsLowSurrogate(Ord(Text[Place])) then
    begin
      Code := $10000 + ((Code - $D800) shl 10) + (Cardinal(Ord(Text[Place])) - $DC00);
      Inc(Place);
    end
    else if IsHighSurrogate(Code) or IsLowSurrogate(Code) then
      Code := REPLACEMENT;
    if Code = 0 then
      Put(INSTEAD_OF_NUL)
    else if Code < $80 then
      Put(Code)
    else if Code < $800 then
    begin
      Put($C0 or (Code shr 6));
      Put($80 or (Code and $3F));
    end
    else if Code < $10000 then
    begin
      Put($E0 or (Code shr 12));
      Put($80 or ((Code shr 6) and $3F));
      Put($80 or (Code and $3F));
    end
    else
    begin
      Put($F0 or (Code shr 18));
      Put($80 or ((Code shr 12) and $3F));
      Put($80 or ((Code shr 6) and $3F));
      Put($80 or (Code and $3F));
    end;
  end;
  SetLength(Utf8, Next - PAnsiChar(Utf8));
  Result := Utf8;
end;

function WideOfUtf8(Text: PAnsiChar): TWide;
const
  // The smallest code point that needs one, two, three or four octets.
  LEAST: array[0..3] of Cardinal = (0, $80, $800, $10000);
var
  Wide: TWide;
  Last: PAnsiChar;
  Size, Following, Place: Integer;
  Code: Cardinal;

  procedure Put(Unit16: Cardinal);
  begin
    Inc(Size);
    Wide[Size] := WideChar(Unit16);
  end;

begin
  Result := '';
  if Text = nil then
    Exit;
  // A text never has more units in UTF-16 than octets in UTF-8.
  Last := Text;
  while Last^ <> #0 do
    Inc(Last);
  SetLength(Wide, Last - Text);
  Size := 0;
  while Text^ <> #0 do
  begin
    Code := Ord(Text^);
    Inc(Text);
    Following := 0;
    case Code of
      $C2..$DF: Following := 1;
      $E0..$EF: Following := 2;
      $F0..$F4: Following := 3;
      $80..$C1, $F5..$FF: Code := REPLACEMENT;
    end;
    if Following > 0 then
      Code := Code and ($3F shr Following);
    Place := 0;
    while (Place < Following) and (Ord(Text^) and $C0 = $80) do
    begin
      Code := (Code shl 6) or (Cardinal(Ord(Text^)) and $3F);
      Inc(Text);
      Inc(Place);
    end;
    if (Place < Following) or (Code < LEAST[Following]) or (Code > $10FFFF) or
      IsHighSurrogate(Code) or IsLowSurrogate(Code) then
      Code := REPLACEMENT;
    if Code < $10000 then
      Put(Code)
    else
    begin
      Put($D800 + ((Code - $10000) shr 10));
      Put($DC00 + ((Code - $10000) and $3FF));
    end;
  end;
  SetLength(Wide, Size);
  Result := Wide;
end;

{$IFDEF LIFEPAY_ANSI}

const
  UTF_8 = 65001;
  WINDOWS_1251 = 1251;

  // Code points of the octets #$80 to #$BF. Those from #$C0 on are the alphabet.
  CP1251: array[$80..$BF] of Word = (
    $0402, $0403, $201A, $0453, $201E, $2026, $2020, $2021,
    $20AC, $2030, $0409, $2039, $040A, $040C, $040B, $040F,
    $0452, $2018, $2019, $201C, $201D, $2022, $2013, $2014,
    $0098, $2122, $0459, $203A, $045A, $045C, $045B, $045F,
    $00A0, $040E, $045E, $0408, $00A4, $0490, $00A6, $00A7,
    $0401, $00A9, $0404, $00AB, $00AC, $00AD, $00AE, $0407,
    $00B0, $00B1, $0406, $0456, $0491, $00B5, $00B6, $00B7,
    $0451, $2116, $0454, $00BB, $0458, $0405, $0455, $0457);
  FIRST_LETTER = $0410;
  LAST_LETTER = $044F;

function WideOfCp1251(const Text: AnsiString): TWide;
var
  Place: Integer;
  Octet: Byte;
begin
  SetLength(Result, Length(Text));
  for Place := 1 to Length(Text) do
  begin
    Octet := Ord(Text[Place]);
    case Octet of
      $00..$7F: Result[Place] := WideChar(Octet);
      $80..$BF: Result[Place] := WideChar(CP1251[Octet]);
    else
      Result[Place] := WideChar(FIRST_LETTER + (Octet and $3F));
    end;
  end;
end;

function Cp1251Of(const Text: TWide): AnsiString;
var
  Place: Integer;
  Code: Word;
  Octet: Byte;
begin
  SetLength(Result, Length(Text));
  for Place := 1 to Length(Text) do
  begin
    Code := Ord(Text[Place]);
    Octet := Ord('?');
    if Code < $80 then
      Octet := Code
    else if (Code >= FIRST_LETTER) and (Code <= LAST_LETTER) then
      Octet := $C0 or (Code - FIRST_LETTER)
    else
    begin
      Octet := $80;
      while (Octet <= $BF) and (CP1251[Octet] <> Code) do
        Inc(Octet);
      if Octet > $BF then
        Octet := Ord('?');
    end;
    Result[Place] := AnsiChar(Octet);
  end;
end;

// Returns the code page of strings that are not marked with one.
function PlainCodePage: Word;
begin
  Result := LifePayAnsiCodePage;
  if Result = 0 then
{$IFDEF FPC}
    Result := DefaultSystemCodePage;
  // Without cwstring Free Pascal knows no code page, and with LANG=C it assumes ASCII. On Linux,
  // text from a terminal or a file is UTF-8 in these cases too.
  if (Result = CP_ACP) or (Result = CP_NONE) or (Result = 20127) then
    Result := UTF_8;
{$ELSE}
    Result := GetACP;
{$ENDIF}
end;

{$IFDEF FPC}

function CodePageOf(const Text: RawByteString): Word;
begin
  Result := StringCodePage(Text);
  if (Result = CP_ACP) or (Result = CP_NONE) or (Result = DefaultSystemCodePage) then
    Result := PlainCodePage;
end;

{$ENDIF}

{$IFDEF MSWINDOWS}

function WideOfSystem(const Text: AnsiString; CodePage: Word): TWide;
var
  Size: Integer;
begin
  Size := MultiByteToWideChar(CodePage, 0, PAnsiChar(Text), Length(Text), nil, 0);
  SetLength(Result, Size);
  MultiByteToWideChar(CodePage, 0, PAnsiChar(Text), Length(Text), PWideChar(Result), Size);
end;

function SystemOf(const Text: TWide; CodePage: Word): AnsiString;
var
  Size: Integer;
begin
  Size := WideCharToMultiByte(CodePage, 0, PWideChar(Text), Length(Text), nil, 0, nil, nil);
  SetLength(Result, Size);
  WideCharToMultiByte(CodePage, 0, PWideChar(Text), Length(Text), PAnsiChar(Result), Size, nil,
    nil);
end;

{$ELSE}

function WideOfSystem(const Text: RawByteString; CodePage: Word): TWide;
var
  Marked: RawByteString;
begin
  Marked := Text;
  SetCodePage(Marked, CodePage, False);
  Result := UnicodeString(Marked);
end;

function SystemOf(const Text: TWide; CodePage: Word): RawByteString;
begin
  Result := UTF8Encode(Text);
  SetCodePage(Result, CodePage, True);
end;

{$ENDIF}

function Utf8OfAnsi(const Text: {$IFDEF FPC}RawByteString{$ELSE}AnsiString{$ENDIF}): UTF8String;
var
  CodePage: Word;
  Place: Integer;
begin
  Result := '';
  if Length(Text) = 0 then
    Exit;
  CodePage := {$IFDEF FPC}CodePageOf(Text){$ELSE}PlainCodePage{$ENDIF};
  case CodePage of
    UTF_8:
      begin
        SetLength(Result, Length(Text));
        for Place := 1 to Length(Text) do
          if Text[Place] = #0 then
            Result[Place] := AnsiChar(INSTEAD_OF_NUL)
          else
            Result[Place] := Text[Place];
      end;
    WINDOWS_1251: Result := Utf8OfWide(WideOfCp1251(Text));
  else
    Result := Utf8OfWide(WideOfSystem(Text, CodePage));
  end;
end;

function AnsiOfWide(const Text: TWide): AnsiString;
var
  CodePage: Word;
{$IFDEF FPC}
  Bytes: RawByteString;
{$ENDIF}
begin
  Result := '';
  if Text = '' then
    Exit;
  CodePage := PlainCodePage;
{$IFDEF FPC}
  case CodePage of
    UTF_8: Bytes := Utf8OfWide(Text);
    WINDOWS_1251: Bytes := Cp1251Of(Text);
  else
    Bytes := SystemOf(Text, CodePage);
  end;
  // Marks the string without converting it: an assignment would convert it once more.
  SetCodePage(Bytes, CodePage, False);
  Result := Bytes;
{$ELSE}
  case CodePage of
    UTF_8: Result := Utf8OfWide(Text);
    WINDOWS_1251: Result := Cp1251Of(Text);
  else
    Result := SystemOf(Text, CodePage);
  end;
{$ENDIF}
end;

{$ENDIF}

function LifePayToUtf8(const Text: string): UTF8String;
begin
{$IFDEF UNICODE}
  Result := Utf8OfWide(Text);
{$ELSE}
  Result := Utf8OfAnsi(Text);
{$ENDIF}
end;

function StringOfWide(const Text: TWide): string;
begin
{$IFDEF UNICODE}
  Result := Text;
{$ELSE}
  Result := AnsiOfWide(Text);
{$ENDIF}
end;

function LifePayFromUtf8(Text: PAnsiChar): string;
begin
  Result := StringOfWide(WideOfUtf8(Text));
end;

{ ------------------------------------------------------------------------------------------------
  Russian texts of this unit
  ------------------------------------------------------------------------------------------------ }

// Returns a Russian text that is spelled in ASCII, as in KOI-7. Delphi 7 reads this file as CP1251
// and newer versions as UTF-8, but all read ASCII in the same way.
function Russian(const Spelled: AnsiString): string;
const
  // From '`' to '~'. A capital letter is 32 before its small one, here and in Unicode.
  LETTERS: array[$60..$7E] of Word = (
    $44E, $430, $431, $446, $434, $435, $444, $433, $445, $438, $439, $43A, $43B, $43C, $43D,
    $43E, $43F, $44F, $440, $441, $442, $443, $436, $432, $44C, $44B, $437, $448, $44D, $449, $447);
var
  Wide: TWide;
  Place: Integer;
  Code: Word;
begin
  SetLength(Wide, Length(Spelled));
  for Place := 1 to Length(Spelled) do
  begin
    Code := Ord(Spelled[Place]);
    case Code of
      $40..$5E: Code := LETTERS[Code + 32] - 32;
      $60..$7E: Code := LETTERS[Code];
    end;
    Wide[Place] := WideChar(Code);
  end;
  Result := StringOfWide(Wide);
end;

{ ------------------------------------------------------------------------------------------------
  Loading
  ------------------------------------------------------------------------------------------------ }

const
  LIBRARY_NAME: UTF8String = LIFEPAY_LIBRARY;
  OLDEST = LP_VERSION_MAJOR * 10000 + LP_VERSION_MINOR * 100;

var
  Loaded: Boolean = False;
  LoadLock: IReadWriteSync;

// Paths are in UTF-8 here, independent of the code page of the program's strings.
function ProgramFolder: UTF8String;
{$IFDEF MSWINDOWS}
var
  Buffer: array[0..32767] of WideChar;
{$ENDIF}
begin
{$IFDEF MSWINDOWS}
  // The folder of the module that contains this unit, which may be a DLL outside its host's folder.
  Buffer[GetModuleFileNameW(HInstance, Buffer, High(Buffer))] := #0;
  Result := Utf8OfWide(PWideChar(@Buffer));
{$ELSE}
  {$IFDEF FPC}
  Result := PAnsiChar(RawByteString(ParamStr(0)));
  {$ELSE}
  Result := Utf8OfWide(ParamStr(0));
  {$ENDIF}
{$ENDIF}
  while (Length(Result) > 0) and not (Result[Length(Result)] in ['/', '\']) do
    SetLength(Result, Length(Result) - 1);
end;

function IsThere(const Path: UTF8String): Boolean;
begin
{$IFDEF MSWINDOWS}
  Result := GetFileAttributesW(PWideChar(WideOfUtf8(PAnsiChar(Path)))) <> Cardinal(-1);
{$ELSE}
  Result := {$IFDEF FPC}fpAccess{$ELSE}access{$ENDIF}(PAnsiChar(Path), F_OK) = 0;
{$ENDIF}
end;

function Shown(const Path: UTF8String): string;
begin
  Result := LifePayFromUtf8(PAnsiChar(Path));
end;

function NumberText(Number: Cardinal): string;
begin
  Result := string(IntToStr(Number));
end;

function VersionText(Number: Cardinal): string;
begin
  Result := NumberText(Number div 10000) + '.' + NumberText(Number div 100 mod 100) + '.' +
    NumberText(Number mod 100);
end;

function TooOld(const Path: UTF8String; const Missing: string): string;
begin
  // "The library ... is too old: it has version ..., and this program needs ... or newer"
  Result := Russian('Biblioteka ') + Shown(Path) + Russian(' ustarela: ee wersiq ') +
    VersionText(lp_version_number) + Russian(', a programme nuvna ') + VersionText(OLDEST) +
    Russian(' ili nowee');
  if Missing <> '' then
    // "(it has no ...)"
    Result := Result + Russian(' (w nej net ') + Missing + ')';
end;

{$IFDEF LIFEPAY_STATIC}

function lp_config_init; external LIFEPAY_LIBRARY name 'lp_config_init';
function lp_result_init; external LIFEPAY_LIBRARY name 'lp_result_init';
procedure lp_result_free; external LIFEPAY_LIBRARY name 'lp_result_free';
function lp_open_shift; external LIFEPAY_LIBRARY name 'lp_open_shift';
function lp_send; external LIFEPAY_LIBRARY name 'lp_send';
function lp_ext_id_new; external LIFEPAY_LIBRARY name 'lp_ext_id_new';
function lp_open_shift_json; external LIFEPAY_LIBRARY name 'lp_open_shift_json';
function lp_send_json; external LIFEPAY_LIBRARY name 'lp_send_json';
procedure lp_string_free; external LIFEPAY_LIBRARY name 'lp_string_free';
function lp_outbox_open; external LIFEPAY_LIBRARY name 'lp_outbox_open';
function lp_outbox_submit; external LIFEPAY_LIBRARY name 'lp_outbox_submit';
function lp_outbox_wait; external LIFEPAY_LIBRARY name 'lp_outbox_wait';
function lp_outbox_each; external LIFEPAY_LIBRARY name 'lp_outbox_each';
function lp_outbox_retry_now; external LIFEPAY_LIBRARY name 'lp_outbox_retry_now';
function lp_outbox_cancel; external LIFEPAY_LIBRARY name 'lp_outbox_cancel';
function lp_outbox_forget; external LIFEPAY_LIBRARY name 'lp_outbox_forget';
function lp_outbox_pending; external LIFEPAY_LIBRARY name 'lp_outbox_pending';
function lp_outbox_close; external LIFEPAY_LIBRARY name 'lp_outbox_close';
function lp_code_name; external LIFEPAY_LIBRARY name 'lp_code_name';
function lp_code_text; external LIFEPAY_LIBRARY name 'lp_code_text';
function lp_set_log; external LIFEPAY_LIBRARY name 'lp_set_log';
function lp_log_to_file; external LIFEPAY_LIBRARY name 'lp_log_to_file';
function lp_version; external LIFEPAY_LIBRARY name 'lp_version';
function lp_version_number; external LIFEPAY_LIBRARY name 'lp_version_number';

function TryLoad(const FileName: string; out Error: string): Boolean;
begin
  Result := lp_version_number >= OLDEST;
  if not Result then
    Error := TooOld(LIBRARY_NAME, '');
end;

{$ELSE}

type
{$IFDEF MSWINDOWS}
  TModule = HMODULE;
{$ELSE}
  {$IFDEF FPC}
  TModule = Pointer;
  {$ELSE}
  TModule = NativeUInt;
  {$ENDIF}
{$ENDIF}

const
  NO_MODULE = TModule(0);

// IsUnfit: the file exists, but this program cannot load it.
function OpenModule(const Path: UTF8String; out Error: string; out IsUnfit: Boolean): TModule;
{$IFDEF MSWINDOWS}
var
  Mode, Cause: Cardinal;
{$ENDIF}
begin
{$IFDEF MSWINDOWS}
  // Otherwise Windows shows a dialog for a damaged file, and waits for a click.
  Mode := SetErrorMode(SEM_FAILCRITICALERRORS);
  Result := LoadLibraryW(PWideChar(WideOfUtf8(PAnsiChar(Path))));
  Cause := GetLastError;
  SetErrorMode(Mode);
  IsUnfit := Cause = ERROR_BAD_EXE_FORMAT;
  if Result = NO_MODULE then
    Error := string(SysErrorMessage(Cause));
{$ELSE}
  Result := TModule(dlopen(PAnsiChar(Path), RTLD_NOW));
  IsUnfit := (Result = NO_MODULE) and (Path <> LIBRARY_NAME) and IsThere(Path);
  if Result = NO_MODULE then
    Error := LifePayFromUtf8(PAnsiChar(dlerror));
{$ENDIF}
end;

procedure CloseModule(Module: TModule);
begin
{$IFDEF MSWINDOWS}
  FreeLibrary(Module);
{$ELSE}
  dlclose(Module);
{$ENDIF}
end;

function FindFunction(Module: TModule; Name: PAnsiChar): Pointer;
begin
{$IFDEF MSWINDOWS}
  Result := GetProcAddress(Module, Name);
{$ELSE}
  Result := Pointer(dlsym(Module, Name));
{$ENDIF}
end;

// Sets all functions; without a module, to nil. Missing lists those that the library lacks.
procedure Bind(Module: TModule; out Missing: string);

  procedure Find(Variable: PPointer; Name: PAnsiChar);
  begin
    Variable^ := nil;
    if Module <> NO_MODULE then
      Variable^ := FindFunction(Module, Name);
    if Variable^ <> nil then
      Exit;
    if Missing <> '' then
      Missing := Missing + ', ';
    Missing := Missing + LifePayFromUtf8(Name);
  end;

begin
  Missing := '';
  Find(@@lp_config_init, 'lp_config_init');
  Find(@@lp_result_init, 'lp_result_init');
  Find(@@lp_result_free, 'lp_result_free');
  Find(@@lp_open_shift, 'lp_open_shift');
  Find(@@lp_send, 'lp_send');
  Find(@@lp_ext_id_new, 'lp_ext_id_new');
  Find(@@lp_open_shift_json, 'lp_open_shift_json');
  Find(@@lp_send_json, 'lp_send_json');
  Find(@@lp_string_free, 'lp_string_free');
  Find(@@lp_outbox_open, 'lp_outbox_open');
  Find(@@lp_outbox_submit, 'lp_outbox_submit');
  Find(@@lp_outbox_wait, 'lp_outbox_wait');
  Find(@@lp_outbox_each, 'lp_outbox_each');
  Find(@@lp_outbox_retry_now, 'lp_outbox_retry_now');
  Find(@@lp_outbox_cancel, 'lp_outbox_cancel');
  Find(@@lp_outbox_forget, 'lp_outbox_forget');
  Find(@@lp_outbox_pending, 'lp_outbox_pending');
  Find(@@lp_outbox_close, 'lp_outbox_close');
  Find(@@lp_code_name, 'lp_code_name');
  Find(@@lp_code_text, 'lp_code_text');
  Find(@@lp_set_log, 'lp_set_log');
  Find(@@lp_log_to_file, 'lp_log_to_file');
  Find(@@lp_version, 'lp_version');
  Find(@@lp_version_number, 'lp_version_number');
end;

// The message ends with the system's error.
function WhyNotLoaded(const Path: UTF8String; const SystemError: string;
  IsUnfit: Boolean): string;
begin
  Result := Russian('Biblioteka ') + Shown(Path);
  if IsUnfit then
    // "... cannot be loaded: it is damaged or of another bitness. This program needs the ...-bit
    // library"
    Result := Result + Russian(' ne zagruvaetsq: ona powrevdena ili drugoj razrqdnosti. ' +
      '\toj programme nuvna ') + NumberText(SizeOf(Pointer) * 8) + Russian('-bitnaq biblioteka')
  else if IsThere(Path) then
    // "... cannot be loaded"
    Result := Result + Russian(' ne zagruvaetsq')
  else
    // "... is not found"
    Result := Result + Russian(' ne najdena');
  if Path = LIBRARY_NAME then
    // ". Put the ...-bit library beside the program, into the folder ..."
    Result := Result + Russian('. Polovite ') + NumberText(SizeOf(Pointer) * 8) +
      Russian('-bitnu` biblioteku rqdom s programmoj, w papku ') + Shown(ProgramFolder);
  Result := Result + ' (' + SystemError + ')';
end;

function TryLoad(const FileName: string; out Error: string): Boolean;
var
  Module: TModule;
  Path: UTF8String;
  SystemError, Missing: string;
  IsUnfit: Boolean;
begin
  Error := '';
  Path := LifePayToUtf8(FileName);
  if FileName = '' then
    Path := ProgramFolder + LIBRARY_NAME;
  if (FileName = '') and not IsThere(Path) then
    Path := LIBRARY_NAME;
  Module := OpenModule(Path, SystemError, IsUnfit);
  Result := Module <> NO_MODULE;
  if not Result then
  begin
    Error := WhyNotLoaded(Path, SystemError, IsUnfit);
    Exit;
  end;
  Bind(Module, Missing);
  if not Assigned(lp_version_number) then
    // "... is not a library of LifePay: it has no ..."
    Error := Russian('Fajl ') + Shown(Path) + Russian(' - ne biblioteka ') + 'lifepay' +
      Russian(': w nem net ') + 'lp_version_number'
  else if (lp_version_number < OLDEST) or (Missing <> '') then
    Error := TooOld(Path, Missing);
  Result := Error = '';
  if not Result then
  begin
    Bind(NO_MODULE, Missing);
    CloseModule(Module);
  end;
end;

{$ENDIF}

function LifePayTryLoad(const FileName: string; out Error: string): Boolean;
begin
  Error := '';
  Result := Loaded;
  if Result then
    Exit;
  LoadLock.BeginWrite;
  try
    if not Loaded then
      Loaded := TryLoad(FileName, Error);
    Result := Loaded;
  finally
    LoadLock.EndWrite;
  end;
end;

function LifePayLoaded: Boolean;
begin
  Result := Loaded;
end;

procedure Clear(out Answer: TLifePayResult);
begin
  Answer.Code := LP_OK;
  Answer.Outcome := 0;
  Answer.HttpStatus := 0;
  Answer.Attempts := 0;
  Answer.RetryAfterMs := 0;
end;

// Whether the library is loaded. If it cannot be, Answer says why.
function IsReady(const FileName: string; out Answer: TLifePayResult): Boolean;
begin
  Clear(Answer);
  Result := LifePayTryLoad(FileName, Answer.Message);
  if Result then
    Exit;
  Answer.Code := LP_ERR_INTERNAL;
  Answer.Outcome := LP_OUTCOME_NOT_SENT;
end;

procedure RaiseFrom(const Answer: TLifePayResult);
begin
  if Loaded then
    raise ELifePay.CreateFrom(Answer)
  else
    raise ELifePayLibrary.CreateFrom(Answer);
end;

procedure LifePayLoad(const FileName: string);
var
  Answer: TLifePayResult;
begin
  if not IsReady(FileName, Answer) then
    RaiseFrom(Answer);
end;

{ ------------------------------------------------------------------------------------------------
  Results and errors
  ------------------------------------------------------------------------------------------------ }

procedure CopyResult(const Raw: lp_result; out Answer: TLifePayResult);
var
  Error: Plp_field_error;
  Place: Integer;
begin
  Answer.Code := Raw.code;
  Answer.Outcome := Raw.outcome;
  Answer.HttpStatus := Raw.http_status;
  Answer.Attempts := Raw.attempts;
  Answer.RetryAfterMs := Raw.retry_after_ms;
  Answer.Uuid := LifePayFromUtf8(Raw.uuid);
  Answer.ExtId := LifePayFromUtf8(Raw.ext_id);
  Answer.Message := LifePayFromUtf8(Raw.message);
  Answer.Detail := LifePayFromUtf8(Raw.detail);
  Answer.Reply := LifePayFromUtf8(Raw.reply);
  SetLength(Answer.Errors, Raw.error_count);
  Error := Raw.errors;
  for Place := 0 to High(Answer.Errors) do
  begin
    Answer.Errors[Place].Field := LifePayFromUtf8(Error^.field);
    Answer.Errors[Place].Message := LifePayFromUtf8(Error^.message);
    Inc(Error);
  end;
end;

// Raises an exception if a call that returns only a code failed.
procedure Check(Code: Integer);
var
  Answer: TLifePayResult;
begin
  if Code = LP_OK then
    Exit;
  Clear(Answer);
  Answer.Code := Code;
  Answer.Message := LifePayCodeText(Code);
  RaiseFrom(Answer);
end;

constructor ELifePay.CreateFrom(const Answer: TLifePayResult);
begin
{$IFDEF LIFEPAY_ANSI}
  // Exception.Message is an AnsiString there, even if string is a UnicodeString here.
  inherited Create({$IFDEF UNICODE}AnsiOfWide{$ENDIF}(Answer.Message));
{$ELSE}
  inherited Create(Answer.Message);
{$ENDIF}
  FAnswer := Answer;
  if Loaded then
    FCodeName := LifePayCodeName(Answer.Code)
  else
    FCodeName := 'LP_ERR_INTERNAL';
end;

function ELifePay.ErrorOf(const Field: string): string;
var
  Place: Integer;
begin
  Result := '';
  for Place := 0 to High(FAnswer.Errors) do
    if FAnswer.Errors[Place].Field = Field then
    begin
      Result := FAnswer.Errors[Place].Message;
      Exit;
    end;
end;

{ ------------------------------------------------------------------------------------------------
  Callbacks. An exception must not pass through the library's frames: it is kept, and raised again
  after the call has returned.
  ------------------------------------------------------------------------------------------------ }

type
  TCall = record
    Sender: TObject;
    OnProgress: TLifePayProgressEvent;
    OnEntry: TLifePayEntryEvent;
    Raised: TObject;
    RaisedAt: Pointer;
  end;
  PCall = ^TCall;

procedure InitCall(out Call: TCall; Sender: TObject);
begin
  Call.Sender := Sender;
  Call.OnProgress := nil;
  Call.OnEntry := nil;
  Call.Raised := nil;
  Call.RaisedAt := nil;
end;

// Call it only in an except block.
procedure KeepException(var Call: TCall);
begin
  Call.RaisedAt := ExceptAddr;
  Call.Raised := TObject(AcquireExceptionObject);
end;

procedure RaiseAgain(const Call: TCall);
begin
  if Call.Raised <> nil then
    raise Call.Raised at Call.RaisedAt;
end;

function ProgressOf(const Raw: lp_progress): TLifePayProgress;
begin
  Result.Phase := Raw.phase;
  Result.Attempts := Raw.attempts;
  Result.Code := Raw.code;
  Result.HttpStatus := Raw.http_status;
  Result.ElapsedMs := Raw.elapsed_ms;
  Result.NextAttemptMs := Raw.next_attempt_ms;
end;

function ProgressTrampoline(progress: Plp_progress; user_data: Pointer): Integer; cdecl;
var
  Call: PCall;
  Stop: Boolean;
begin
  Call := user_data;
  Stop := True;
  try
    // The library may call again before it stops.
    if Call^.Raised = nil then
    begin
      Stop := False;
      Call^.OnProgress(Call^.Sender, ProgressOf(progress^), Stop);
    end;
  except
    KeepException(Call^);
    Stop := True;
  end;
  Result := Ord(Stop);
end;

procedure CopyEntry(const Raw: lp_entry; out Entry: TLifePayEntry);
begin
  Entry.Code := Raw.code;
  Entry.Outcome := Raw.outcome;
  Entry.Pending := Raw.flags and LP_ENTRY_PENDING <> 0;
  Entry.Sending := Raw.flags and LP_ENTRY_SENDING <> 0;
  Entry.Foreign := Raw.flags and LP_ENTRY_FOREIGN <> 0;
  Entry.Attempts := Raw.attempts;
  Entry.HttpStatus := Raw.http_status;
  Entry.SubmittedAt := LifePayLocalTime(Raw.submitted_at);
  Entry.NextAttemptAt := LifePayLocalTime(Raw.next_attempt_at);
  Entry.AnsweredAt := LifePayLocalTime(Raw.answered_at);
  Entry.ExpiresAt := LifePayLocalTime(Raw.expires_at);
  Entry.ExtId := LifePayFromUtf8(Raw.ext_id);
  Entry.Login := LifePayFromUtf8(Raw.login);
  Entry.TargetSerial := LifePayFromUtf8(Raw.target_serial);
  Entry.BaseUrl := LifePayFromUtf8(Raw.base_url);
  Entry.Uuid := LifePayFromUtf8(Raw.uuid);
  Entry.Message := LifePayFromUtf8(Raw.message);
  Entry.Path := LifePayFromUtf8(Raw.path);
end;

function EntryTrampoline(entry: Plp_entry; user_data: Pointer): Integer; cdecl;
var
  Call: PCall;
  Copied: TLifePayEntry;
  Stop: Boolean;
begin
  Call := user_data;
  Stop := False;
  try
    CopyEntry(entry^, Copied);
    Call^.OnEntry(Call^.Sender, Copied, Stop);
  except
    KeepException(Call^);
    Stop := True;
  end;
  Result := Ord(Stop);
end;

{ ------------------------------------------------------------------------------------------------
  TLifePay
  ------------------------------------------------------------------------------------------------ }

type
  // Owns the UTF-8 strings that an lp_config points to.
  TTexts = record
    // One per string that FillConfig sets, and two for SendDocument's path and document.
    Kept: array[1..16] of UTF8String;
    Count: Integer;
  end;

function Lend(var Texts: TTexts; const Text: string): PAnsiChar;
begin
  Inc(Texts.Count);
  Texts.Kept[Texts.Count] := LifePayToUtf8(Text);
  Result := PAnsiChar(Texts.Kept[Texts.Count]);
end;

// Config is valid as long as Texts and Settings exist.
procedure FillConfig(Settings: TLifePay; out Config: lp_config; var Texts: TTexts);
begin
  lp_config_init(@Config, SizeOf(Config));
  if Settings = nil then
    Exit;
  Texts.Count := 0;
  Config.test := Ord(Settings.FTest);
  Config.apikey := Lend(Texts, Settings.FApiKey);
  Config.login := Lend(Texts, Settings.FLogin);
  Config.cashier_name := Lend(Texts, Settings.FCashierName);
  Config.cashier_inn := Lend(Texts, Settings.FCashierInn);
  Config.target_serial := Lend(Texts, Settings.FTargetSerial);
  Config.ext_id := Lend(Texts, Settings.FExtId);
  Config.callback_url := Lend(Texts, Settings.FCallbackUrl);
  Config.callback_data := Lend(Texts, Settings.FCallbackData);
  Config.callback_data_json := Lend(Texts, Settings.FCallbackDataJson);
  Config.path := Lend(Texts, Settings.FPath);
  Config.document_json := Lend(Texts, Settings.FDocumentJson);
  Config.base_url := Lend(Texts, Settings.FBaseUrl);
  Config.proxy := Lend(Texts, Settings.FProxy);
  Config.ca_file := Lend(Texts, Settings.FCaFile);
  Config.trust := Settings.FTrust;
  Config.connect_timeout_ms := Settings.FConnectTimeoutMs;
  Config.timeout_ms := Settings.FTimeoutMs;
  Config.retry_for_ms := Settings.FRetryForMs;
  Config.retry_delay_count := Length(Settings.FRetryDelaysMs);
  if Config.retry_delay_count > 0 then
    Config.retry_delays_ms := @Settings.FRetryDelaysMs[0];
  Config.expires_after_ms := Settings.FExpiresAfterMs;
  Config.concurrency := Settings.FConcurrency;
  Config.keep_days := Settings.FKeepDays;
end;

constructor TLifePay.Create(const ApiKey, Login: string);
begin
  inherited Create;
  FLast.Code := LP_ERR_ARGUMENT;
  FApiKey := ApiKey;
  FLogin := Login;
end;

function TLifePay.TrySend(IsShift: Boolean; const Path, DocumentJson: string;
  out Answer: TLifePayResult): Integer;
var
  Config: lp_config;
  Texts: TTexts;
  Raw: lp_result;
  Call: TCall;
begin
  InitCall(Call, Self);
  if IsReady('', Answer) then
  begin
    FillConfig(Self, Config, Texts);
    if Assigned(FOnProgress) then
    begin
      Call.OnProgress := FOnProgress;
      Config.on_progress := ProgressTrampoline;
      Config.user_data := @Call;
    end;
    lp_result_init(@Raw, SizeOf(Raw));
    try
      if IsShift then
        lp_open_shift(@Config, @Raw)
      else
      begin
        Config.path := Lend(Texts, Path);
        Config.document_json := Lend(Texts, DocumentJson);
        lp_send(@Config, @Raw);
      end;
      CopyResult(Raw, Answer);
    finally
      lp_result_free(@Raw);
    end;
  end;
  FLast := Answer;
  Result := Answer.Code;
  RaiseAgain(Call);
end;

function TLifePay.TryOpenShift(out Answer: TLifePayResult): Integer;
begin
  Result := TrySend(True, '', '', Answer);
end;

function TLifePay.TrySendDocument(const Path, DocumentJson: string;
  out Answer: TLifePayResult): Integer;
begin
  Result := TrySend(False, Path, DocumentJson, Answer);
end;

function TLifePay.OpenShift: string;
var
  Answer: TLifePayResult;
begin
  if TryOpenShift(Answer) <> LP_OK then
    RaiseFrom(Answer);
  Result := Answer.Uuid;
end;

function TLifePay.SendDocument(const Path, DocumentJson: string): string;
var
  Answer: TLifePayResult;
begin
  if TrySendDocument(Path, DocumentJson, Answer) <> LP_OK then
    RaiseFrom(Answer);
  Result := Answer.Uuid;
end;

{ ------------------------------------------------------------------------------------------------
  TLifePayOutbox
  ------------------------------------------------------------------------------------------------ }

// Whether the code describes an entry. Unknown positive codes are LifePay's.
function IsOfEntry(Code: Integer): Boolean;
begin
  Result := (Code >= LP_PENDING) or (Code = LP_ERR_CANCELLED) or (Code = LP_ERR_EXPIRED);
end;

function OpenOutbox(const Path: string; Settings: TLifePay; out Handle: Plp_outbox;
  out Answer: TLifePayResult): Integer;
var
  Config: lp_config;
  Texts: TTexts;
  Raw: lp_result;
begin
  Handle := nil;
  if IsReady('', Answer) then
  begin
    FillConfig(Settings, Config, Texts);
    lp_result_init(@Raw, SizeOf(Raw));
    try
      lp_outbox_open(PAnsiChar(LifePayToUtf8(Path)), @Config, @Handle, @Raw);
      CopyResult(Raw, Answer);
    finally
      lp_result_free(@Raw);
    end;
  end;
  Result := Answer.Code;
end;

constructor TLifePayOutbox.CreateFrom(Handle: Plp_outbox);
begin
  inherited Create;
  LifePayLoad;
  FHandle := Handle;
end;

constructor TLifePayOutbox.Create(const Path: string; Settings: TLifePay);
var
  Answer: TLifePayResult;
begin
  inherited Create;
  if OpenOutbox(Path, Settings, FHandle, Answer) <> LP_OK then
    RaiseFrom(Answer);
end;

class function TLifePayOutbox.TryOpen(const Path: string; Settings: TLifePay;
  out Outbox: TLifePayOutbox; out Answer: TLifePayResult): Integer;
var
  Handle: Plp_outbox;
begin
  Outbox := nil;
  Result := OpenOutbox(Path, Settings, Handle, Answer);
  if Result = LP_OK then
    Outbox := TLifePayOutbox.CreateFrom(Handle);
end;

destructor TLifePayOutbox.Destroy;
begin
  Close;
  inherited Destroy;
end;

function TLifePayOutbox.TrySubmit(Request: TLifePay; out Answer: TLifePayResult): Integer;
var
  Config: lp_config;
  Texts: TTexts;
  Raw: lp_result;
begin
  FillConfig(Request, Config, Texts);
  lp_result_init(@Raw, SizeOf(Raw));
  try
    Result := lp_outbox_submit(FHandle, @Config, @Raw);
    CopyResult(Raw, Answer);
  finally
    lp_result_free(@Raw);
  end;
end;

function TLifePayOutbox.Submit(Request: TLifePay): TLifePayResult;
begin
  if TrySubmit(Request, Result) <> LP_OK then
    RaiseFrom(Result);
end;

function TLifePayOutbox.TryWait(const ExtId: string; TimeoutMs: Cardinal;
  out Answer: TLifePayResult): Integer;
var
  Raw: lp_result;
begin
  lp_result_init(@Raw, SizeOf(Raw));
  try
    Result := lp_outbox_wait(FHandle, PAnsiChar(LifePayToUtf8(ExtId)), TimeoutMs, @Raw);
    CopyResult(Raw, Answer);
  finally
    lp_result_free(@Raw);
  end;
end;

function TLifePayOutbox.Wait(const ExtId: string; TimeoutMs: Cardinal): TLifePayResult;
begin
  if not IsOfEntry(TryWait(ExtId, TimeoutMs, Result)) then
    RaiseFrom(Result);
end;

function TLifePayOutbox.TryCancel(const ExtId: string; out Answer: TLifePayResult): Integer;
var
  Raw: lp_result;
begin
  lp_result_init(@Raw, SizeOf(Raw));
  try
    Result := lp_outbox_cancel(FHandle, PAnsiChar(LifePayToUtf8(ExtId)), @Raw);
    CopyResult(Raw, Answer);
  finally
    lp_result_free(@Raw);
  end;
end;

function TLifePayOutbox.Cancel(const ExtId: string): TLifePayResult;
begin
  if TryCancel(ExtId, Result) <> LP_OK then
    RaiseFrom(Result);
end;

procedure TLifePayOutbox.Each(Handler: TLifePayEntryEvent);
var
  Call: TCall;
  Code: Integer;
begin
  if not Assigned(Handler) then
    Check(LP_ERR_ARGUMENT);
  InitCall(Call, Self);
  Call.OnEntry := Handler;
  Code := lp_outbox_each(FHandle, EntryTrampoline, @Call);
  RaiseAgain(Call);
  Check(Code);
end;

type
  TEntryList = class
  private
    FEntries: TLifePayEntries;
    FCount: Integer;
    procedure Add(Sender: TObject; const Entry: TLifePayEntry; var Stop: Boolean);
  end;

procedure TEntryList.Add(Sender: TObject; const Entry: TLifePayEntry; var Stop: Boolean);
begin
  Stop := False;
  if FCount = Length(FEntries) then
    SetLength(FEntries, FCount * 2 + 8);
  FEntries[FCount] := Entry;
  Inc(FCount);
end;

function TLifePayOutbox.Entries: TLifePayEntries;
var
  List: TEntryList;
begin
  List := TEntryList.Create;
  try
    Each(List.Add);
    Result := Copy(List.FEntries, 0, List.FCount);
  finally
    List.Free;
  end;
end;

// Raises an exception if a call about an entry failed. The call returns only a code; if it was
// refused, the entry's own message says why.
procedure TLifePayOutbox.CheckEntry(Code: Integer; const ExtId: string);
var
  Answer: TLifePayResult;
begin
  if Code = LP_ERR_ARGUMENT then
  begin
    if IsOfEntry(TryWait(ExtId, 0, Answer)) then
      Answer.Code := Code;
    // In a log handler there may be no answer; Check then raises the code.
    if Answer.Code <> LP_OK then
      RaiseFrom(Answer);
  end;
  Check(Code);
end;

procedure TLifePayOutbox.RetryNow(const ExtId: string);
begin
  CheckEntry(lp_outbox_retry_now(FHandle, PAnsiChar(LifePayToUtf8(ExtId))), ExtId);
end;

procedure TLifePayOutbox.Forget(const ExtId: string);
begin
  CheckEntry(lp_outbox_forget(FHandle, PAnsiChar(LifePayToUtf8(ExtId))), ExtId);
end;

function TLifePayOutbox.Pending: Cardinal;
begin
  Result := 0;
  Check(lp_outbox_pending(FHandle, @Result));
end;

procedure TLifePayOutbox.Close;
begin
  // The handle is kept: other threads may be using it, and the library never reuses it.
  if FHandle <> nil then
    lp_outbox_close(FHandle);
end;

{ ------------------------------------------------------------------------------------------------
  The log
  ------------------------------------------------------------------------------------------------ }

type
  // Passed to the library by address as user_data, because a method does not fit into a pointer.
  TLog = record
    Handler: TLifePayLogEvent;
  end;
  PLog = ^TLog;

var
  LogLock: IReadWriteSync;
  CurrentLog: PLog = nil;

procedure LogTrampoline(level: Integer; message: PAnsiChar; user_data: Pointer); cdecl;
begin
  try
    PLog(user_data)^.Handler(level, LifePayFromUtf8(message));
  except
    // This thread may be the library's, where no code could handle the exception.
  end;
end;

{$IFDEF FPC}

var
  ForeignThreads: Boolean = False;

function Nothing(Parameter: Pointer): PtrInt;
begin
  Result := 0;
end;

// Free Pascal sets up thread variables, which the heap also needs, only after it has started a
// thread itself. The library's threads call the handler, so one is started first.
procedure ExpectForeignThreads;
var
  Thread: TThreadID;
begin
  if ForeignThreads then
    Exit;
  Thread := BeginThread(@Nothing);
  WaitForThreadTerminate(Thread, 0);
  CloseThread(Thread);
  ForeignThreads := True;
end;

{$ENDIF}

procedure LifePaySetLog(Handler: TLifePayLogEvent; Level: Integer);
var
  Next, Old: PLog;
begin
  LifePayLoad;
  LogLock.BeginWrite;
  try
    if Assigned(Handler) then
    begin
{$IFDEF FPC}
      ExpectForeignThreads;
{$ENDIF}
      New(Next);
      Next^.Handler := Handler;
      Old := Next;
      try
        Check(lp_set_log(LogTrampoline, Next, Level));
        Old := CurrentLog;
        CurrentLog := Next;
      finally
        // Frees the new handler if the library refused it, otherwise the previous one: once
        // lp_set_log has returned, no thread is inside the previous handler.
        if Old <> nil then
          Dispose(Old);
      end;
    end
    else
    begin
      Check(lp_set_log(nil, nil, LP_LOG_OFF));
      if CurrentLog <> nil then
        Dispose(CurrentLog);
      CurrentLog := nil;
    end;
  finally
    LogLock.EndWrite;
  end;
end;

procedure LifePayLogToFile(const Path: string; Level: Integer; MaxBytes: Cardinal);
begin
  LifePayLoad;
  Check(lp_log_to_file(PAnsiChar(LifePayToUtf8(Path)), Level, MaxBytes));
end;

{ ------------------------------------------------------------------------------------------------
  Versions, codes, JSON and times
  ------------------------------------------------------------------------------------------------ }

function LifePayVersion: string;
begin
  LifePayLoad;
  Result := LifePayFromUtf8(lp_version);
end;

function LifePayCodeName(Code: Integer): string;
begin
  LifePayLoad;
  Result := LifePayFromUtf8(lp_code_name(Code));
end;

function LifePayCodeText(Code: Integer): string;
begin
  LifePayLoad;
  Result := LifePayFromUtf8(lp_code_text(Code));
end;

function LifePayNewExtId: string;
var
  Buffer: array[0..36] of AnsiChar;
begin
  LifePayLoad;
  Check(lp_ext_id_new(@Buffer, SizeOf(Buffer)));
  Result := LifePayFromUtf8(@Buffer);
end;

procedure TakeString(Raw: PAnsiChar; out Text: string);
begin
  try
    Text := LifePayFromUtf8(Raw);
  finally
    lp_string_free(Raw);
  end;
end;

function LifePayOpenShiftJson(const Request: string; out Answer: string): Integer;
var
  Raw: PAnsiChar;
begin
  LifePayLoad;
  Raw := nil;
  Result := lp_open_shift_json(PAnsiChar(LifePayToUtf8(Request)), @Raw);
  TakeString(Raw, Answer);
end;

function LifePaySendJson(const Request: string; out Answer: string): Integer;
var
  Raw: PAnsiChar;
begin
  LifePayLoad;
  Raw := nil;
  Result := lp_send_json(PAnsiChar(LifePayToUtf8(Request)), @Raw);
  TakeString(Raw, Answer);
end;

function LifePayLocalTime(UnixMs: Int64): TDateTime;
const
  MS_PER_DAY = 24 * 60 * 60 * 1000;
  MINUTES_PER_DAY = 24 * 60;
  UNIX_EPOCH = 25569;
{$IFNDEF FPC}{$IFDEF MSWINDOWS}
var
  Zone: TTimeZoneInformation;
{$ENDIF}{$ENDIF}
begin
  Result := 0;
  if UnixMs = 0 then
    Exit;
  Result := UNIX_EPOCH + UnixMs / MS_PER_DAY;
{$IFDEF FPC}
  Result := Result - GetLocalTimeOffset / MINUTES_PER_DAY;
{$ELSE}
  {$IFDEF MSWINDOWS}
  case GetTimeZoneInformation(Zone) of
    TIME_ZONE_ID_DAYLIGHT: Inc(Zone.Bias, Zone.DaylightBias);
    TIME_ZONE_ID_STANDARD: Inc(Zone.Bias, Zone.StandardBias);
  end;
  Result := Result - Zone.Bias / MINUTES_PER_DAY;
  {$ELSE}
  Result := TTimeZone.Local.ToLocalTime(Result);
  {$ENDIF}
{$ENDIF}
end;

initialization
  // The library starts threads, so the memory manager must be thread-safe.
  IsMultiThread := True;
  LoadLock := TSimpleRWSync.Create;
  LogLock := TSimpleRWSync.Create;

finalization
  // A handler must not be called after its unit has been finalised. A DLL cannot wait for a running
  // handler here: when its process ends, the handler's thread has already been killed.
  if (CurrentLog <> nil) and not IsLibrary then
  begin
    lp_set_log(nil, nil, LP_LOG_OFF);
    Dispose(CurrentLog);
  end;

end.

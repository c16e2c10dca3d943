// Strings: converting CP1251 and other code pages, or UTF-16 if string is a UnicodeString, to UTF-8
// and back.
unit StringTests;

interface

procedure RunStringTests;

implementation

uses
  charset, cp1251, SysUtils, LifePay, Checks;

const
  // The name Ivanova and LifePay's text for 6095, in Russian, in CP1251.
  IVANOVA: AnsiString = #$C8#$E2#$E0#$ED#$EE#$E2#$E0;
  DENIED: AnsiString = #$C4#$EE#$F1#$F2#$F3#$EF#$20#$E7#$E0#$EF#$F0#$E5#$F9#$E5#$ED;

// Converts with Free Pascal's own table of CP1251, for comparison.
function Unicode(const Text: AnsiString): UnicodeString;
var
  Place: Integer;
begin
  Result := '';
  for Place := 1 to Length(Text) do
    Result := Result + UnicodeChar(getunicode(Text[Place], getmap('cp1251')));
end;

function Same(const Left, Right: RawByteString): Boolean;
begin
  Result := (Length(Left) = Length(Right)) and
    CompareMem(PAnsiChar(Left), PAnsiChar(Right), Length(Left));
end;

{$IFDEF UNICODE}

function Encoded(const Text: RawByteString): string;
begin
  Result := Unicode(Text);
end;

procedure EveryCharacterGoesThereAndBack;
var
  Code: Cardinal;
  Text: string;
  Utf8: UTF8String;
begin
  Test('EveryCharacterGoesThereAndBack');
  Code := 1;
  while Code <= $10FFFF do
  begin
    if Code < $10000 then
      Text := WideChar(Code)
    else
      Text := WideChar($D800 + (Code - $10000) shr 10) + WideChar($DC00 + (Code - $10000) and $3FF);
    Utf8 := LifePayToUtf8(Text);
    Check(Same(Utf8, UTF8Encode(Text)), 'UTF-8 of ' + IntToHex(Code, 6));
    CheckEqual(LifePayFromUtf8(PAnsiChar(Utf8)), Text, 'back from UTF-8');
    Inc(Code);
    if Code = $D800 then
      Code := $E000;
  end;
end;

procedure HalfACharacterIsReplaced;
const
  // U+FFFD.
  REPLACED: RawByteString = #$EF#$BF#$BD;
begin
  Test('HalfACharacterIsReplaced');
  Check(Same(LifePayToUtf8(string(WideChar($D800))), REPLACED), 'the first half');
  Check(Same(LifePayToUtf8(string(WideChar($DC00))), REPLACED), 'the second half');
  Check(Same(LifePayToUtf8(WideChar($D800) + 'x'), REPLACED + 'x'), 'the first half and more');
end;

procedure WhatIsNoUtf8IsReplaced;

  procedure Becomes(Text: PAnsiChar; const Wanted: string);
  begin
    CheckEqual(LifePayFromUtf8(Text), Wanted, 'the text');
  end;

begin
  Test('WhatIsNoUtf8IsReplaced');
  CheckEqual(LifePayFromUtf8(nil), '', 'nothing');
  Becomes('', '');
  Becomes('x'#$80'y', 'x'#$FFFD'y');
  Becomes('x'#$C3, 'x'#$FFFD);
  Becomes(#$C3'x', #$FFFD'x');
  Becomes(#$E2#$82'x', #$FFFD'x');
  Becomes(#$C0#$80, #$FFFD#$FFFD);
  // An overlong form, half a surrogate pair, a code point beyond the last one.
  Becomes(#$E0#$80#$80, #$FFFD);
  Becomes(#$ED#$A0#$80, #$FFFD);
  Becomes(#$F4#$90#$80#$80, #$FFFD);
end;

{$ELSE}

function Encoded(const Text: RawByteString): string;
begin
  if LifePayAnsiCodePage = 1251 then
    Result := Text
  else
    Result := UTF8Encode(Unicode(Text));
  // Like a string that was read from a file, it is marked with no code page.
  SetCodePage(RawByteString(Result), CP_ACP, False);
end;

procedure EveryCharacterGoesThereAndBack;
var
  Octet: Integer;
  Text: AnsiString;
  Utf8: UTF8String;
begin
  Test('EveryCharacterGoesThereAndBack');
  LifePayAnsiCodePage := 1251;
  for Octet := 1 to 255 do
    // This octet is unassigned in CP1251.
    if Octet <> $98 then
    begin
      Text := AnsiChar(Octet);
      Utf8 := LifePayToUtf8(Text);
      Check(Same(Utf8, UTF8Encode(Unicode(Text))), 'UTF-8 of ' + IntToHex(Octet, 2));
      Check(Same(LifePayFromUtf8(PAnsiChar(Utf8)), Text), 'back to ' + IntToHex(Octet, 2));
    end;
  Check(Same(LifePayFromUtf8(#$E4#$BD#$A0'x'), '?x'), 'a character that CP1251 lacks');
end;

procedure AStringThatIsMarkedKeepsItsCodePage;
var
  Text: AnsiString;
begin
  Test('AStringThatIsMarkedKeepsItsCodePage');
  LifePayAnsiCodePage := 65001;
  Text := IVANOVA;
  SetCodePage(RawByteString(Text), 1251, False);
  Check(Same(LifePayToUtf8(Text), UTF8Encode(Unicode(IVANOVA))), 'marked as CP1251');
  // The same in CP866.
  Text := #$88#$A2#$A0#$AD#$AE#$A2#$A0;
  SetCodePage(RawByteString(Text), 866, False);
  Check(Same(LifePayToUtf8(Text), UTF8Encode(Unicode(IVANOVA))), 'marked as CP866');
end;

{$ENDIF}

// tests/bindings/pascal.rs checks the names that arrive.
procedure NamesArriveAndMessagesComeBack(const ExtId: string);
var
  Shift: TLifePay;
  Answer: TLifePayResult;
begin
  Test('NamesArriveAndMessagesComeBack ' + ExtId);
  Shift := Request(ExtId);
  try
    Shift.CashierName := Encoded(IVANOVA);
    Shift.OpenShift;
    Shift.Login := '70000006095';
    Answer := Refused(Shift, LP_ACCESS_DENIED);
    Check(Pos(Encoded(DENIED), Answer.Message) > 0, 'the message is ' + Answer.Message);
    try
      Shift.OpenShift;
    except
      on Error: ELifePay do
        // Free Pascal's exceptions have an AnsiString in both modes.
        Check(Same(RawByteString(Error.Message),
          {$IFDEF UNICODE}UTF8Encode{$ENDIF}(Answer.Message)),
          'the exception''s message is ' + string(Error.Message));
    end;
  finally
    Shift.Free;
  end;
end;

procedure RunStringTests;
begin
  EveryCharacterGoesThereAndBack;
{$IFDEF UNICODE}
  HalfACharacterIsReplaced;
  WhatIsNoUtf8IsReplaced;
  NamesArriveAndMessagesComeBack('pascal-utf16');
{$ELSE}
  AStringThatIsMarkedKeepsItsCodePage;
  LifePayAnsiCodePage := 1251;
  NamesArriveAndMessagesComeBack('pascal-cp1251');
  LifePayAnsiCodePage := 65001;
  NamesArriveAndMessagesComeBack('pascal-utf8');
{$ENDIF}
  LifePayAnsiCodePage := 0;
end;

end.

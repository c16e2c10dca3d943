// Does with the README's form what Delphi and a cashier do: creates it, presses the button, lets
// the timer tick until it is disabled, and closes the form. Prints the form's final status.
program PressButton;

uses
  cthreads, cwstring, SysUtils, StdCtrls, ExtCtrls, TillForm;

var
  Ticks: Integer;
begin
  Till := TTill.Create(nil);
  Till.OpenButton := TButton.Create(Till);
  Till.OpenButton.Enabled := True;
  Till.Status := TLabel.Create(Till);
  Till.Timer := TTimer.Create(Till);
  Till.FormCreate(Till);
  if Till.OpenButton.Enabled then
    Till.OpenButtonClick(Till.OpenButton);
  Ticks := 0;
  while Till.Timer.Enabled and (Ticks < 1000) do
  begin
    if Till.OpenButton.Enabled then
      WriteLn('the button can be pressed again');
    Sleep(20);
    Till.TimerTimer(Till.Timer);
    Inc(Ticks);
  end;
  WriteLn(Till.Status.Caption);
  if Till.OpenButton.Enabled then
    WriteLn('ready');
  Till.FormDestroy(Till);
  Till.Free;
end.

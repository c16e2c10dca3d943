// Replaces Delphi's unit of this name, see Controls. The program calls the timer's handler itself.
unit ExtCtrls;

interface

uses
  Controls;

type
  TTimer = class(TControl)
  end;

implementation

end.

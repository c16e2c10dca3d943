// Replaces Delphi's unit of this name, see Controls.
unit Forms;

interface

uses
  Controls;

type
  TForm = class(TControl)
  end;

implementation

end.

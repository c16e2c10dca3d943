// Replaces Delphi's unit of this name, see Controls.
unit StdCtrls;

interface

uses
  Controls;

type
  TButton = class(TControl)
  end;

  TLabel = class(TControl)
  end;

implementation

end.

// Replaces Delphi's unit of this name, with the parts that the README's form uses.
unit Controls;

interface

uses
  Classes;

type
  TControl = class(TComponent)
  private
    FCaption: string;
    FEnabled: Boolean;
  published
    property Caption: string read FCaption write FCaption;
    property Enabled: Boolean read FEnabled write FEnabled;
  end;

implementation

end.

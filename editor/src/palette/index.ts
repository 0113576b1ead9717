export { askPalette, closePalette, palette } from "./asking";
export { Palette } from "./Palette";

# page.gp - the picture and its heading; a script has set height (pixels, without the heading) and heading.

# The line of fixed axes, broken before the comma that would run out of the picture.
fixed_1 = fixed
fixed_2 = ""
do for [i = 60:124] {
    if (strlen(fixed) > 124 && fixed[i : i + 1] eq ", ") { fixed_1 = fixed[1 : i]; fixed_2 = fixed[i + 2 : *] }
}
top = strlen(fixed_2) ? 112.0 : 94.0  # pixels of the heading
width = 900.0
height = height + top
# A point is 4/3 pixels to cairo and one unit to SVG.
if (format eq "svg") {
    set terminal svg noenhanced size width, height font "DejaVu Sans,13" background "#ffffff"
    heading_font = "DejaVu Sans,18"
} else {
    set terminal pngcairo noenhanced size width, height font "DejaVu Sans,10" background "#ffffff"
    heading_font = "DejaVu Sans,14"
}
set output output
set label 9001 heading at screen 18 / width, screen 1 - 22 / height left font heading_font textcolor rgb ink
set label 9002 title at screen 18 / width, screen 1 - 46 / height left textcolor rgb pale
set label 9003 fixed_1 at screen 18 / width, screen 1 - 64 / height left textcolor rgb pale
set label 9004 fixed_2 at screen 18 / width, screen 1 - 82 / height left textcolor rgb pale
set tmargin at screen 1 - top / height

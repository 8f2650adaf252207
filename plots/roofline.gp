# roofline.gp - what each kernel computes against the operations that it does per byte of weights (Williams, Waterman and
# Patterson 2009): no point can lie above the read bandwidth or above the peak of the unit that it uses.
# Empty when bench kernels was not stored for this machine: run bench kernels --model FILE with the same --db.

load scripts."/style.gp"
ceiling(kind) = strcol("kind") eq kind
point(x) = ceiling("decode") || ceiling("batch")
peaks = 0
formats = 0
row = 0
stats data using (peaks = peaks + ceiling("peak"), formats = larger(formats, known("colour", 0)), 0) nooutput
array unit[peaks + 1]
array peak[peaks + 1]
array name[formats]
array last_x[formats]  # pixels, of the newest number in the row of a format
read = 0
x_min = 1e300
x_max = 0
y_min = 1e300
y_max = 0
stats data using (ceiling("read") ? (read = column("gb_per_s"), threads = column("threads"), when = strcol("measured"), \
    cpu = strcol("cpu"), 0) : ceiling("peak") ? (row = row + 1, unit[row] = strcol("label"), peak[row] = column("gops"), 0) : \
    (f = int(column("colour")), name[f] = strcol("label"), last_x[f] = 0, \
     x_min = (column("ops_per_byte") < x_min ? column("ops_per_byte") : x_min), x_max = larger(x_max, column("ops_per_byte")), \
     y_min = (column("gops") < y_min ? column("gops") : y_min), y_max = larger(y_max, column("gops")), 0)) nooutput
# From the lowest to the highest, so that their names can be pushed apart upwards.
do for [i = 1:peaks] { do for [k = i + 1:peaks] {
    if (peak[k] < peak[i]) { t = peak[i]; peak[i] = peak[k]; peak[k] = t; s = unit[i]; unit[i] = unit[k]; unit[k] = s }
} }

longest = 8
do for [i = 1:formats] { longest = larger(longest, strlen(name[i])) }
key_columns = int(690 / (text_width(longest) + 50))
key_rows = (int(formats) - 1) / key_columns + 1
numbered = formats <= 4 ? formats : 0  # rows of numbers of columns above the axis
height = 470.0 + 18 * key_rows
heading = "Roofline: what each kernel computes, and what the machine allows"
title = sprintf("bench kernels on %s, %s, %d %s", cpu, when, threads, threads == 1 ? "thread" : "threads")
fixed = "a point per shape of matrix and number of columns; filled: one column (decode), open: more (a batch)"
load scripts."/page.gp"

# In pixels, because what is written beside a slope has to know its angle.
left = 70.0
right = 132.0
bottom = 18.0 * key_rows + 64
plot_w = width - left - right
plot_h = height - top - bottom
set lmargin at screen left / width
set rmargin at screen 1 - right / width
set bmargin at screen bottom / height
highest = larger(peaks ? peak[peaks] : 0, y_max)
x_lo = x_min / 1.7
x_hi = 1.7 * larger(x_max, peaks ? peak[peaks] / read : 0)
y_hi = 1.6 * highest
low = 0.7 * y_min
# The rows of numbers stand below the lowest point.
room = (15.0 * numbered + 10) / plot_h
y_lo = y_hi / (y_hi / low) ** (1 / (1 - room))
px(x) = plot_w * log(x / x_lo) / log(x_hi / x_lo)
py(y) = plot_h * log(y / y_lo) / log(y_hi / y_lo)

# How many columns a stack of points stands for: a row of numbers per format, in its colour, where there is room.
do for [f = 1:numbered] {
    set label 50 + f "columns" at graph 1 + 8.0 / plot_w, graph (8 + 15.0 * (f - 1)) / plot_h left textcolor rgb colour(f)
}
array number_x[100]
array number_f[100]
array number[100]
n_numbers = 0
stats data using (point(0) && int(column("colour")) <= numbered && n_numbers < 100 ? \
    (f = int(column("colour")), x = column("ops_per_byte"), c = sprintf("%d", column("columns")), \
     last_x[f] == 0 || px(x) - last_x[f] > 3.5 * strlen(c) + 12 ? \
     (n_numbers = n_numbers + 1, number_x[n_numbers] = px(x), number_f[n_numbers] = f, number[n_numbers] = c, \
      last_x[f] = px(x) + 3.5 * strlen(c), 0) : 0) : 0) nooutput
do for [i = 1:n_numbers] {
    set label 100 + i number[i] at graph number_x[i] / plot_w, graph (8 + 15.0 * (number_f[i] - 1)) / plot_h center \
        textcolor rgb colour(number_f[i])
}

set logscale xy
set xrange [x_lo : x_hi]
set yrange [y_lo : y_hi]
set xtics ()
set ytics ()
do for [d = -3:6] {
    do for [m in "1 2 5"] {
        t = m * 10.0 ** d
        if (m == 1 || x_hi < 3e3 * x_lo) { set xtics add (sprintf("%g", t) t) }
        if (m == 1 || y_hi < 3e3 * y_lo) { set ytics add (sprintf("%g", t) t) }
    }
}
set xlabel "operations per byte of weights, which come out of memory" textcolor rgb ink
set ylabel "Gop/s" textcolor rgb ink

# The ceilings: the slope up to the highest peak, and each peak from where it meets the slope.
from = larger(x_lo, y_lo / read)
top_x = peaks ? peak[peaks] / read : x_hi
set arrow 1 from first from, first read * from to first top_x, first read * top_x nohead linecolor rgb ink linewidth 2
angle = atan2(plot_h / log(y_hi / y_lo), plot_w / log(x_hi / x_lo)) * 180 / pi
middle = sqrt(from * (peaks ? peak[1] / read : x_hi))
set label 1 sprintf("read %s GB/s", digits(read)) at graph (px(middle) - 16 * sin(angle * pi / 180)) / plot_w, \
    graph (py(read * middle) + 16 * cos(angle * pi / 180)) / plot_h center rotate by angle textcolor rgb ink
at = -100.0
do for [i = 1:peaks] {
    set arrow 1 + i from first peak[i] / read, first peak[i] to first x_hi, first peak[i] nohead linecolor rgb ink linewidth 2
    at = larger(py(peak[i]), at + 17)
    set label 1 + i sprintf("%s %s Gop/s", unit[i], digits(peak[i])) at graph 1 + 8.0 / plot_w, graph at / plot_h left \
        textcolor rgb ink
}

set key at screen 0.5, screen 0.01 bottom center vertical maxrows key_rows Left reverse samplen 1 spacing 1.15 noautotitle
# Filled: one column, open: more.  A format whose colour another one had already has another shape.
filled = "7 5 9 13 11"
shape(i) = int(word(filled, 1 + (int(i) - 1) / words(palette_words) % words(filled)))
mark(x) = shape(known("colour", 1)) - ceiling("batch")
rgb_of(i) = int(sprintf("0x%s", substr(colour(i), 2, 7)))
plot data using (point(0) ? column("ops_per_byte") : NaN):(column("gops")):(mark(0)):(rgb_of(known("colour", 1))) with points \
         pointtype variable pointsize 1.1 linewidth 1.6 linecolor rgb variable, \
     for [i = 1:formats] keyentry with points pointtype shape(i) pointsize 1.3 linecolor rgb colour(i) title name[i]

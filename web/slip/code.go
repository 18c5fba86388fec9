package slip

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/qr"
)

const (
	thin  = 0.25 // the thinnest bar in millimetres that a cheap printer and a cheap scanner agree on
	quiet = 10   // bars' widths that stay white beside a code
	most  = 200  // letters of a code: with more its squares are too small for a printer
)

// bars draws a text as Code 128 within a width, or as a QR code where it is too long for that or has other letters. It answers how high the drawing is.
func (p *paper) bars(text string, x, y, width, height float64) float64 {
	if len(text) > most {
		return 0
	}
	code, err := code128.Encode(text)
	if err != nil || float64(code.Bounds().Dx()+2*quiet)*thin > width {
		return p.square(text, x, y, max(height, 16))
	}
	bar := min(width/float64(code.Bounds().Dx()+2*quiet), 0.42)
	whole := bar * float64(code.Bounds().Dx()+2*quiet)
	p.matrix(code, 1, p.left(x, whole)+bar*quiet, y, bar, height)
	return height
}

// square draws a text as a QR code of this size. It answers how high the drawing is.
func (p *paper) square(text string, x, y, size float64) float64 {
	if text == "" || len(text) > most {
		return 0 // its letters stand beside it
	}
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return 0
	}
	const white = 4
	n := code.Bounds().Dx()
	dot := size / float64(n+2*white)
	p.matrix(code, n, p.left(x, size)+dot*white, y+dot*white, dot, dot)
	return size
}

// matrix fills the black cells of a code, each run of them in a row as one rectangle. It is never mirrored: scanners read codes, not languages.
func (p *paper) matrix(code barcode.Barcode, rows int, x, y, width, height float64) {
	var out strings.Builder
	out.WriteString("q 0 g\n")
	for j := range rows {
		for i := 0; i < code.Bounds().Dx(); i++ {
			n := 0
			for i+n < code.Bounds().Dx() && code.At(i+n, j) == color.Black {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&out, "%.3f %.3f %.3f %.3f re\n", (x+float64(i)*width)*point, (high-y-float64(j+1)*height)*point, float64(n)*width*point, height*point)
				i += n
			}
		}
	}
	out.WriteString("f Q")
	p.pdf.RawWriteStr(out.String())
}

package console

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// square is a QR code for a page: the outline of its black cells in a field of Size by Size, a white margin of four cells included.
type square struct {
	Path string
	Size int
}

// squareOf draws a text. Fault: when it is too long for a code.
func squareOf(text string) (square, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return square{}, err
	}
	const white = 4
	n := code.Bounds().Dx()
	var path strings.Builder
	for y := range n {
		for x := range n {
			if code.At(x, y) == color.Black {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+white, y+white)
			}
		}
	}
	return square{path.String(), n + 2*white}, nil
}

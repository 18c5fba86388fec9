package main

import (
	"context"
	"io"
)

func runCheck(ctx context.Context, args []string, out io.Writer) error { return nil }
func runTable(ctx context.Context, args []string, out io.Writer) error { return nil }

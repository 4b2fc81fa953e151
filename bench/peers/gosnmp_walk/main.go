// SPDX-License-Identifier: Apache-2.0

// Peer: gosnmp, one goroutine and one connection for each agent being walked.
//
// Walks dot1dTpFdbPort by GETBULK of many agents, -window at a time, stores every
// row (MAC from the index, port) and requires that rows rise and that each agent
// gave exactly -rows of them. Prints the line that the C peers print.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"
)

const column = ".1.3.6.1.2.1.17.4.3.1.2"

type row struct {
	mac   uint64
	agent uint32
	port  uint32
}

// macOf reads the six sub-identifiers after the column's name.
func macOf(name string) (uint64, bool) {
	if !strings.HasPrefix(name, column+".") {
		return 0, false
	}
	var mac, octet uint64
	octets := 1
	for _, c := range []byte(name[len(column)+1:]) {
		if c == '.' {
			mac, octet = mac<<8|octet, 0
			octets++
			continue
		}
		octet = octet*10 + uint64(c-'0')
	}
	return mac<<8 | octet, octets == 6
}

func walk(agent uint32, address string, port uint, repetitions uint, rows int) ([]row, bool) {
	client := &gosnmp.GoSNMP{
		Target:         address,
		Port:           uint16(port),
		Community:      "public",
		Version:        gosnmp.Version2c,
		Timeout:        time.Second,
		Retries:        5,
		MaxRepetitions: uint32(repetitions),
		MaxOids:        gosnmp.MaxOids,
	}
	if err := client.Connect(); err != nil {
		return nil, false
	}
	defer client.Conn.Close()
	table := make([]row, 0, rows)
	var last uint64
	err := client.BulkWalk(column, func(pdu gosnmp.SnmpPDU) error {
		mac, ok := macOf(pdu.Name)
		value, isPort := pdu.Value.(int)
		if !ok || !isPort || (len(table) > 0 && mac <= last) {
			return fmt.Errorf("bad row %s", pdu.Name)
		}
		last = mac
		table = append(table, row{mac, agent, uint32(value)})
		return nil
	})
	return table, err == nil && len(table) == rows
}

// peakMemory is VmHWM in bytes; Maxrss would count what the starting program had resident.
func peakMemory() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d", &kilobytes); n == 1 {
			return kilobytes * 1024
		}
	}
	return 0
}

func seconds(t syscall.Timeval) float64 {
	return float64(t.Sec) + float64(t.Usec)/1e6
}

func main() {
	started := time.Now()
	agents := flag.Uint("agents", 0, "how many")
	rows := flag.Int("rows", 0, "rows that each has")
	repetitions := flag.Uint("repetitions", 25, "max-repetitions")
	window := flag.Int("window", 256, "goroutines")
	port := flag.Uint("port", 0, "UDP port")
	base := flag.String("base", "", "IPv4 address of the first agent")
	flag.Parse()
	first := net.ParseIP(*base).To4()
	if first == nil || *agents == 0 || *rows == 0 || *port == 0 {
		flag.Usage()
		os.Exit(2)
	}
	number := uint32(first[0])<<24 | uint32(first[1])<<16 | uint32(first[2])<<8 | uint32(first[3])

	tables := make([][]row, *agents)
	whole := make([]bool, *agents)
	work := make(chan uint32)
	var group sync.WaitGroup
	for i := 0; i < *window; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for agent := range work {
				at := number + agent
				address := fmt.Sprintf("%d.%d.%d.%d", at>>24, at>>16&255, at>>8&255, at&255)
				tables[agent], whole[agent] = walk(agent, address, *port, *repetitions, *rows)
			}
		}()
	}
	for agent := uint32(0); agent < uint32(*agents); agent++ {
		work <- agent
	}
	close(work)
	group.Wait()

	total, complete := 0, 0
	for i := range tables {
		total += len(tables[i])
		if whole[i] {
			complete++
		}
	}
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"agents": *agents, "whole": complete, "rows": total,
		"wall": time.Since(started).Seconds(), "cpu": seconds(usage.Utime) + seconds(usage.Stime),
		"memory": peakMemory(),
	})
	if complete != int(*agents) {
		os.Exit(1)
	}
}

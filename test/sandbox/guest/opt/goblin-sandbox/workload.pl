#!/usr/bin/perl
# A stand-in for an AI server: idle it is small, and it takes memory, processor time and disk reads on request.
#
#   workload.pl NAME PORT           on 127.0.0.1, or on the address in WORKLOAD_LISTEN
#
#   GET /health                     "ok"
#   GET /api/ps                     what Ollama answers that has no model loaded
#   GET /status                     JSON: pid, MiB held, busy children, the thread counts it was given
#   GET /allocate?mib=N             holds N MiB more, every page written; &fill=random for pages that do not
#                                   compress; &child=1 in a child, so that the server goes on answering
#   GET /release                    gives all of it back
#   GET /burn?seconds=N&threads=M   M children compute for N seconds (at most 600); answers at once
#   GET /read?path=FILE             reads a file, and says how many bytes
#
# perl-base only, so that the image needs no package for it.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();

my ($name, $port) = @ARGV;
die "usage: workload.pl NAME PORT\n" unless defined $port && $port =~ /^\d+$/;

# Below this size malloc keeps freed memory for itself; it must read the setting at the process's start.
unless ($ENV{MALLOC_MMAP_THRESHOLD_}) {
    $ENV{MALLOC_MMAP_THRESHOLD_} = 65536;
    exec $^X, $0, @ARGV;
}

# The name in ps and in /proc/PID/comm, which is what EarlyOOM looks at.
$0 = $name;
my $MIB = 1024 * 1024;
my $address = $ENV{WORKLOAD_LISTEN} // '127.0.0.1';
my (@held, %children, $client);

my $server = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 32, ReuseAddr => 1)
    or die "$name: cannot listen on port $port: $!\n";
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { kill 'TERM', keys %children; POSIX::_exit(0) };
print STDERR "$name: listening on $address:$port\n";

while (1) {
    $client = $server->accept;
    reap();
    next unless $client;
    my $request = read_request();
    my ($path, %query) = parse($request);
    my ($code, $text) = eval { answer($path, %query) };
    ($code, $text) = (500, "$@") unless defined $code;
    print $client "HTTP/1.0 $code $name\r\nContent-Type: text/plain\r\nContent-Length: " . length($text) .
        "\r\nConnection: close\r\n\r\n$text";
    close $client;
}

sub answer {
    my ($path, %query) = @_;
    return (200, "ok\n") if $path eq '/health';
    return (200, status()) if $path eq '/status';
    if ($path eq '/allocate') {
        my $mib = number($query{mib}, 1024 * 1024);
        if ($query{child}) {
            in_child(sub { hold($mib, $query{fill}); sleep 600 });
            return (202, "a child takes $mib MiB\n");
        }
        hold($mib, $query{fill});
        return (200, "holding " . scalar(@held) . " MiB\n");
    }
    if ($path eq '/release') {
        @held = ();
        kill 'TERM', keys %children;
        return (200, "holding 0 MiB\n");
    }
    if ($path eq '/burn') {
        my ($seconds, $threads) = (number($query{seconds}, 600), number($query{threads} || 1, 64));
        in_child(sub { burn($seconds) }) for 1 .. $threads;
        return (202, "$threads children compute for $seconds s\n");
    }
    return (200, count_bytes($query{path}) . " bytes\n") if $path eq '/read';
    return (200, qq({"models":[]}\n)) if $path eq '/api/ps';
    return (404, "unknown path $path\n");
}

sub hold {
    my ($mib, $fill) = @_;
    my $random;
    if (defined $fill && $fill eq 'random') { open $random, '<', '/dev/urandom' or die "urandom: $!\n" }
    for (1 .. $mib) {
        # Made in place: an assigned string would share its pages with its source (copy on write).
        push @held, undef;
        if ($random) { sysread $random, $held[-1], $MIB }
        else { $held[-1] = ''; vec($held[-1], $MIB - 1, 8) = 1; fill_pages(\$held[-1]) }
    }
}

# Growing a string may leave zero pages untouched; one byte in each makes them real.
sub fill_pages {
    my ($text) = @_;
    for (my $at = 0; $at < $MIB; $at += 4096) { vec($$text, $at, 8) = 1 + $at % 251 }
}

sub burn {
    my $until = time + shift;
    while (time < $until) { my $sum = 0; $sum += $_ * $_ for 1 .. 20_000 }
}

sub count_bytes {
    my ($path) = @_;
    open my $file, '<', $path // '' or die "cannot read: $!\n";
    my ($total, $buffer) = (0);
    while (my $count = sysread $file, $buffer, $MIB) { $total += $count }
    return $total;
}

sub in_child {
    my ($work) = @_;
    my $pid = fork // die "fork: $!\n";
    if ($pid) { $children{$pid} = 1; return }
    $SIG{TERM} = 'DEFAULT';
    close $_ for $server, $client;    # or the caller would wait for the child to end
    $work->();
    POSIX::_exit(0);
}

sub reap {
    while ((my $pid = waitpid(-1, POSIX::WNOHANG())) > 0) { delete $children{$pid} }
}

sub status {
    my @threads = map { $_ . '":"' . $ENV{$_} } grep { defined $ENV{$_} }
        qw(GOMAXPROCS LLAMA_ARG_THREADS OMP_NUM_THREADS);
    return sprintf qq({"name":"%s","pid":%d,"heldMiB":%d,"children":%d,"threads":{%s}}\n),
        $name, $$, scalar(@held), scalar(keys %children), join ',', map { qq("$_") } @threads;
}

# A client that sends nothing must not stop the server.
sub read_request {
    my $line = '';
    eval {
        local $SIG{ALRM} = sub { die "slow\n" };
        alarm 5;
        $line = <$client> // '';
        while (defined(my $header = <$client>)) { last if $header =~ /^\r?\n$/ }
        alarm 0;
    };
    alarm 0;
    return $line;
}

sub parse {
    my ($path, $query) = $_[0] =~ m{^(?:GET|POST) ([^ ?]+)\??(\S*)} or return ('/');
    my %query = map { /^([^=]+)=(.*)$/ ? ($1, $2) : ($_, 1) } split /&/, $query;
    s/%([0-9A-Fa-f]{2})/chr hex $1/ge for values %query;
    return ($path, %query);
}

sub number {
    my ($text, $most) = @_;
    die "a number from 1 to $most is needed\n" unless defined $text && $text =~ /^\d{1,7}$/ && $text >= 1 && $text <= $most;
    return $text;
}

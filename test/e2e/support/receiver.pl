#!/usr/bin/perl
# A webhook's receiver: answers each POST with 204, and appends a line to a file: the path, a blank, and the body.
#
#   receiver.pl PORT FILE           on 127.0.0.1
#
# perl-base only, so that the guest needs no package for it.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $file) = @ARGV;
die "usage: receiver.pl PORT FILE\n" unless defined $file;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 32, ReuseAddr => 1)
    or die "cannot listen on port $port: $!\n";
$SIG{PIPE} = 'IGNORE';

while (1) {
    my $client = $server->accept or next;
    my ($path) = (<$client> // '') =~ m{^POST (\S+) };
    my $length = 0;
    while (defined(my $line = <$client>)) {
        last if $line =~ /^\r?\n$/;
        $length = $1 if $line =~ /^content-length:\s*(\d+)/i;
    }
    my $body = '';
    while (length($body) < $length) {
        read($client, $body, $length - length($body), length($body)) or last;
    }
    if (defined $path && length($body) == $length) {
        open(my $received, '>>', $file) or die "$file: $!\n";
        print $received "$path $body\n";
        close $received or die "$file: $!\n";
        print $client "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    }
    close $client;
}

# A stand-in of Homebrew's Formula for the test of our own: ruby formula-stand-in.rb <formula> <system> <cpu> <prefix> [--no-test].
# It downloads what the formula names for that system and CPU, refuses a wrong sum, installs it, and runs its `test do`.

require "digest"
require "fileutils"
require "json"
require "net/http"
require "pathname"
require "socket"
require "tmpdir"

FORMULA, SYSTEM, CPU, PREFIX = ARGV
WITHOUT_TEST = ARGV.include?("--no-test")

class Pathname
  def install(*files)
    mkpath
    files.each { |file| FileUtils.cp(file, self, preserve: true) }
  end
end

class Service
  attr_reader :told

  def initialize = @told = {}

  def opt_bin = Pathname("/opt/bin")
  def var = Pathname("/var")
  def std_service_path_env = "/usr/bin:/bin"

  %i[run keep_alive log_path error_log_path environment_variables].each do |name|
    define_method(name) { |value| @told[name] = value }
  end
end

class Formula
  class << self
    attr_reader :values, :test_block, :told, :formula

    def inherited(formula)
      super
      formula.instance_variable_set(:@values, {})
      Formula.instance_variable_set(:@formula, formula)
    end

    %i[desc homepage version license url sha256].each do |name|
      define_method(name) do |value|
        raise "#{name} twice" if @values.key?(name) && !%i[url].include?(name)

        @values[name] = value
      end
    end

    def livecheck(&block)
      raise "no block" unless block
    end

    def on_macos = SYSTEM == "macos" && yield
    def on_linux = SYSTEM == "linux" && yield
    def on_arm = CPU == "arm" && yield
    def on_intel = CPU == "intel" && yield

    def service(&block)
      service = Service.new
      service.instance_eval(&block)
      @told = service.told
    end

    def test(&block) = @test_block = block
  end

  def prefix = Pathname(PREFIX)
  def bin = prefix/"bin"
  def doc = prefix/"share/doc/clawgate"
  def version = self.class.values.fetch(:version)
  def testpath = @testpath ||= Pathname(Dir.mktmpdir("formula-test-"))

  def shell_output(command)
    output = `#{command}`
    raise "#{command} ends with #{$?.exitstatus}" unless $?.success?

    output
  end

  def assert_match(expected, actual)
    pattern = expected.is_a?(Regexp) ? expected : Regexp.new(Regexp.escape(expected))
    raise "expected #{expected.inspect} in #{actual.inspect}" unless pattern.match?(actual)
  end

  def free_port
    server = TCPServer.new("127.0.0.1", 0)
    server.addr[1].tap { server.close }
  end
end

load FORMULA
formula = Formula.formula
url = formula.values[:url] or abort "nothing for #{SYSTEM} on #{CPU}"
answer = Net::HTTP.get_response(URI(url))
abort "#{url}: #{answer.code}" unless answer.is_a?(Net::HTTPSuccess)
sum = Digest::SHA256.hexdigest(answer.body)
abort "SHA-256 mismatch: #{sum}" unless sum == formula.values.fetch(:sha256)

Dir.mktmpdir("formula-build-") do |build|
  archive = File.join(build, "archive.tar.gz")
  File.binwrite(archive, answer.body)
  unpacked = File.join(build, "unpacked")
  Dir.mkdir(unpacked)
  system("tar", "-xzf", archive, "-C", unpacked, exception: true)
  Dir.chdir(unpacked) { formula.new.install }
end
built = formula.new
unless WITHOUT_TEST
  begin
    Dir.chdir(built.testpath) { built.instance_eval(&formula.test_block) }
  ensure
    FileUtils.rm_rf(built.testpath)
  end
end
puts JSON.generate(formula.values.merge(service: formula.told, caveats: built.caveats))
